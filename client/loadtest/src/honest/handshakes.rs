//! The load without an attack: as many handshakes as possible, and then idle connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use powtcp_testkit::server::Usage;

use super::exchange::solved;
use super::idle::{self, IdleCost};
use super::results::Results;
use crate::config::Config;
use crate::driver::dial::Sources;
use crate::driver::{Driver, News};
use crate::error::LoadtestError;
use crate::own_server;

/// What was measured.
pub(crate) struct Findings {
    pub(crate) address: SocketAddr,
    pub(crate) results: Results,
    /// What a server that the load test started used before and after the handshakes.
    pub(crate) usage: Option<[Usage; 2]>,
    pub(crate) idle: Option<IdleCost>,
}

/// Makes the handshakes with the server of `config`. If there is none, starts one, and measures idle
/// connections too.
///
/// # Errors
/// The server could not be started, or a call of the operating system failed.
pub(crate) fn measure(config: &Config) -> Result<Findings, LoadtestError> {
    if let Some(address) = config.address {
        return Ok(Findings {
            address,
            results: run(config, address)?,
            usage: None,
            idle: None,
        });
    }
    let server = own_server::start_with_room(config)?;
    let address = server.address();
    let before = server.usage()?;
    let results = run(config, address)?;
    let usage = Some([before, server.usage()?]);
    drop(server);
    let idle = (config.idle > 0).then(|| idle::measure(config));
    Ok(Findings {
        address,
        results,
        usage,
        idle: idle.transpose()?,
    })
}

/// Makes all handshakes of `config`, and keeps as many in progress as it says. The latencies include
/// the solving, on this thread: the puzzle should be one of few bits.
fn run(config: &Config, address: SocketAddr) -> io::Result<Results> {
    let mut driver = Driver::new(address, config.timeout)?;
    let mut sources = Sources::new(Ipv4Addr::LOCALHOST, config.sources);
    let mut results = Results::default();
    let start = Instant::now();
    let (mut unopened, mut in_progress) = (config.handshakes, 0);
    while unopened > 0 || in_progress > 0 {
        while unopened > 0 && in_progress < config.concurrency {
            driver.open(sources.next())?;
            unopened -= 1;
            in_progress += 1;
        }
        for news in driver.turn(None)? {
            match news {
                News::Puzzle { id, challenge } => {
                    driver.pay(id, &solved(&challenge), Duration::ZERO);
                    continue;
                }
                News::Served { latency, .. } => results.succeed(latency),
                News::Failed { kind, .. } => results.fail(kind),
            }
            in_progress -= 1;
        }
    }
    Ok(results.conclude(start.elapsed()))
}
