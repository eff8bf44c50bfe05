//! What connections cost that do nothing: first silent ones, then the same holding a puzzle.

use std::io;

use mio::net::TcpStream;

use super::LoadtestError;
use super::config::Config;
use super::crowd::Crowd;
use super::server::Server;

/// Resident bytes of the server for each idle connection.
#[derive(Debug)]
pub(super) struct IdleCost {
    pub(super) connections: usize,
    pub(super) silent: f64,
    pub(super) puzzled: f64,
}

/// Connections that are opened before the server is asked whether it has accepted them: no more than
/// its listen queue holds.
const BATCH: usize = 1000;

/// Starts a server of its own and holds connections to it.
pub(super) fn measure(config: &Config) -> Result<IdleCost, LoadtestError> {
    let server = Server::start(config)?;
    let new_crowd = || Crowd::new(config, server.address);
    // What the first connection of its kind makes the server touch is not part of what each costs.
    let first = new_crowd()?.hold_puzzles(vec![new_crowd()?.connect()?])?;
    let empty = server.usage()?.resident;

    let mut crowd = new_crowd()?;
    let mut silent: Vec<TcpStream> = Vec::with_capacity(config.idle);
    while silent.len() < config.idle {
        let count = BATCH.min(config.idle - silent.len());
        silent.extend(
            (0..count)
                .map(|_| crowd.connect())
                .collect::<io::Result<Vec<_>>>()?,
        );
        // Connections are accepted in their order: an answer to a later one tells that all were.
        new_crowd()?.hold_puzzles(vec![crowd.connect()?])?;
    }
    let with_silent = server.usage()?.resident;
    let puzzled = crowd.hold_puzzles(silent)?;
    let with_puzzles = server.usage()?.resident;

    let connections = puzzled.len();
    drop((first, puzzled));
    let each = |resident: u64| resident.saturating_sub(empty) as f64 / connections as f64;
    Ok(IdleCost {
        connections,
        silent: each(with_silent),
        puzzled: each(with_puzzles),
    })
}
