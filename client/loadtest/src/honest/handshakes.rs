//! The load without an attack: as many handshakes as possible, then some at a fixed rate, then idle
//! connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use powtcp_testkit::server::Usage;

use super::closed::ClosedLoop;
use super::idle::{self, IdleCost};
use super::results::Results;
use super::schedule::{self, Plan};
use crate::config::{Config, SOURCES};
use crate::driver::dial::Sources;
use crate::error::LoadtestError;
use crate::own_server;

/// How long handshakes start at a fixed rate.
const SCHEDULED_TIME: Duration = Duration::from_secs(5);

/// What was measured.
pub(crate) struct Findings {
    pub(crate) address: SocketAddr,
    /// Of the handshakes of which a number is in progress at once.
    pub(crate) closed: Results,
    /// Of the handshakes that start at a fixed rate.
    pub(crate) open: Option<Results>,
    /// What a server that the load test started used before and after the first phase.
    pub(crate) usage: Option<[Usage; 2]>,
    pub(crate) idle: Option<IdleCost>,
    /// Why the rest is missing.
    pub(crate) trouble: Option<LoadtestError>,
}

impl Findings {
    fn new(address: SocketAddr, closed: Results) -> Self {
        Self {
            address,
            closed,
            open: None,
            usage: None,
            idle: None,
            trouble: None,
        }
    }

    /// Returns the number of failed handshakes.
    pub(crate) fn failed(&self) -> usize {
        self.closed.failed() + self.open.as_ref().map_or(0, Results::failed)
    }
}

/// Makes the handshakes with the server of `config`. If there is none, starts one, and measures idle
/// connections too. If its own server ends, the findings say so, and contain what was measured before.
///
/// # Errors
/// The server could not be started, or a call of the operating system failed.
pub(crate) fn measure(config: &Config) -> Result<Findings, LoadtestError> {
    if let Some(address) = config.address {
        let mut findings = Findings::new(address, run(config, address)?);
        findings.open = run_scheduled(config, address)?;
        return Ok(findings);
    }
    let mut server = own_server::start_with_room(config)?;
    let address = server.address();
    let before = server.usage()?;
    let mut findings = Findings::new(address, run(config, address)?);
    // There is no usage of a server that has ended.
    if let Ok(after) = server.usage() {
        findings.usage = Some([before, after]);
        findings.open = run_scheduled(config, address)?;
    }
    if let Some(end) = server.end() {
        findings.trouble = Some(LoadtestError::ServerEnded(end));
        return Ok(findings);
    }
    drop(server);
    if config.idle > 0 {
        match idle::measure(config) {
            Ok(cost) => findings.idle = Some(cost),
            Err(error) => findings.trouble = Some(error),
        }
    }
    Ok(findings)
}

/// Starts handshakes at the rate of `config`, if that is not zero.
fn run_scheduled(config: &Config, address: SocketAddr) -> io::Result<Option<Results>> {
    let rate = config.rate;
    if rate == 0 {
        return Ok(None);
    }
    let plan = Plan {
        rate,
        time: SCHEDULED_TIME,
        distances: &[Duration::ZERO],
        timeout: config.timeout,
    };
    schedule::run(config.target(address), &plan).map(Some)
}

/// Makes all handshakes of `config`, and keeps as many in progress as it says. The latencies include
/// the solving, on this thread: the puzzle should be one of few bits.
fn run(config: &Config, address: SocketAddr) -> io::Result<Results> {
    let sources = Sources::new(Ipv4Addr::LOCALHOST, config.sources.unwrap_or(SOURCES));
    let mut handshakes = ClosedLoop::new(config.target(address), config.timeout, sources)?;
    let start = Instant::now();
    let mut left = config.handshakes;
    loop {
        let count = left.min(config.concurrency - handshakes.in_progress());
        handshakes.begin(count)?;
        left -= count;
        if handshakes.in_progress() == 0 {
            return Ok(handshakes.results.conclude(start.elapsed()));
        }
        handshakes.turn(None)?;
    }
}
