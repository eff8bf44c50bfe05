//! What idle connections cost the server: first silent ones, then the same ones holding a puzzle.

use std::io;
use std::net::Ipv4Addr;
use std::time::Instant;

use super::exchange::First;
use crate::config::{Config, SOURCES};
use crate::driver::dial::Sources;
use crate::driver::{Driver, Id, News};
use crate::error::LoadtestError;
use crate::own_server;

/// Resident bytes of the server for each idle connection.
#[derive(Debug)]
pub(crate) struct IdleCost {
    pub(crate) connections: usize,
    pub(crate) silent: f64,
    pub(crate) puzzled: f64,
}

/// Connections that are opened before the server must have accepted them: fewer than its backlog.
const BATCH: usize = 1000;

/// Starts a server of its own, and holds connections to it.
///
/// # Errors
/// The server could not be started, or a connection failed.
pub(crate) fn measure(config: &Config) -> Result<IdleCost, LoadtestError> {
    let server = own_server::start_with_room(config)?;
    let mut driver = Driver::new(config.target(server.address()), config.timeout)?;
    let mut sources = Sources::new(Ipv4Addr::LOCALHOST, config.sources.unwrap_or(SOURCES));
    // What the first connection makes the server allocate is not the cost of each connection.
    hold_puzzle(&mut driver, &mut sources)?;
    let empty = server.usage()?.resident;

    let mut silent = Vec::with_capacity(config.idle);
    while silent.len() < config.idle {
        for _ in 0..BATCH.min(config.idle - silent.len()) {
            silent.push(driver.open_silent(sources.next())?);
        }
        // A server accepts in order: if it answers a later connection, it has accepted all of these.
        let last = hold_puzzle(&mut driver, &mut sources)?;
        driver.close(last);
    }
    let with_silent = server.usage()?.resident;
    ask_all(&mut driver, &silent, config.concurrency)?;
    let with_puzzles = server.usage()?.resident;

    let each = |resident: u64| resident.saturating_sub(empty) as f64 / silent.len() as f64;
    Ok(IdleCost {
        connections: silent.len(),
        silent: each(with_silent),
        puzzled: each(with_puzzles),
    })
}

/// Opens a connection, and waits until it holds a puzzle.
fn hold_puzzle(driver: &mut Driver, sources: &mut Sources) -> io::Result<Id> {
    driver.open(0, sources.next(), Instant::now(), First::Request)?;
    loop {
        if let [id] = puzzled(driver)?[..] {
            return Ok(id);
        }
    }
}

/// Lets every silent connection get a puzzle, at most `concurrency` at the same time.
fn ask_all(driver: &mut Driver, silent: &[Id], concurrency: usize) -> io::Result<()> {
    let mut left = silent.iter();
    let mut in_progress = 0;
    loop {
        for &id in left.by_ref().take(concurrency - in_progress) {
            driver.ask(id);
            in_progress += 1;
        }
        if in_progress == 0 {
            return Ok(());
        }
        in_progress -= puzzled(driver)?.len();
    }
}

/// Returns the connections that got their puzzle in the next turn.
fn puzzled(driver: &mut Driver) -> io::Result<Vec<Id>> {
    let news = driver.turn(None)?.into_iter();
    news.map(|news| match news {
        News::Puzzle { id, .. } => Ok(id),
        News::Failed { failure, .. } => {
            let text = format!("an idle connection: {}", failure.kind);
            Err(io::Error::other(text))
        }
        News::Served { .. } => Err(io::Error::other("an idle connection: served unpaid")),
    })
    .collect()
}
