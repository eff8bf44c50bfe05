//! Load for a server on this machine: many handshakes at once, then connections that do nothing, and
//! a table of what both cost.
//!
//! [`run`] goes through the phases; `crowd` is the loop that drives a phase, `exchange` one
//! handshake in it; `server` is the process that is measured. `siege` is the other kind of load: the
//! attacks of `attack`, made by `flood`, while `honest` clients tell what they feel of it.

mod attack;
mod attacker;
mod config;
mod crowd;
mod dial;
mod exchange;
mod flood;
mod honest;
mod idle;
mod outcome;
mod pace;
mod server;
mod siege;
mod siege_report;
mod table;

use std::fmt;
use std::io;
use std::net::SocketAddr;

pub use config::{Config, PROGRAM};
use crowd::Crowd;
use idle::IdleCost;
use outcome::Outcome;
use server::{Server, Usage};
use table::Table;

/// Why a load test failed.
#[derive(Debug)]
pub enum LoadtestError {
    /// The server could not be started, for this reason.
    Start(String),
    /// The test has no descriptor left.
    Descriptors(io::Error),
    /// The test itself ran out of something else.
    Io(io::Error),
    /// So many handshakes failed.
    Failures(usize),
}

/// What was measured.
struct Findings<'a> {
    config: &'a Config,
    address: SocketAddr,
    outcome: Outcome,
    /// Of a server that the test started: before and after the handshakes.
    usage: Option<(Usage, Usage)>,
    idle: Option<IdleCost>,
}

/// Runs all phases and prints the table.
///
/// # Errors
/// A phase could not be run, or a handshake failed.
pub fn run(config: &Config) -> Result<(), LoadtestError> {
    if let Some(plan) = &config.attack {
        let rows = siege::lay(config, plan)?;
        print(&siege_report::text(config, plan, &rows));
        return verdict(rows.iter().map(|row| row.honest.failed()).sum());
    }
    let findings = match config.address {
        Some(address) => {
            let outcome = Crowd::new(config, address)?.run()?;
            Findings {
                config,
                address,
                outcome,
                usage: None,
                idle: None,
            }
        }
        None => measure_own_server(config)?,
    };
    print(&table(&findings).to_string());
    verdict(findings.outcome.failed())
}

/// A reader who has seen enough may close the pipe.
fn print(text: &str) {
    let _ = io::Write::write_all(&mut io::stdout(), text.as_bytes());
}

const fn verdict(failed: usize) -> Result<(), LoadtestError> {
    match failed {
        0 => Ok(()),
        _ => Err(LoadtestError::Failures(failed)),
    }
}

fn measure_own_server(config: &Config) -> Result<Findings<'_>, LoadtestError> {
    let server = Server::start(config)?;
    let address = server.address;
    let before = server.usage()?;
    let outcome = Crowd::new(config, address)?.run()?;
    let usage = Some((before, server.usage()?));
    drop(server);
    let idle = match config.idle {
        0 => None,
        _ => Some(idle::measure(config)?),
    };
    Ok(Findings {
        config,
        address,
        outcome,
        usage,
        idle,
    })
}

fn table(findings: &Findings<'_>) -> Table {
    let Findings {
        config,
        address,
        outcome,
        usage,
        idle,
    } = findings;
    let mut table = Table::default();
    table.row("server", address);
    table.row("handshakes", config.handshakes);
    table.row("at once", config.concurrency);
    table.row("handshakes a second", format_args!("{:.0}", outcome.rate()));
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
        let latency = outcome.latency(share).as_secs_f64() * 1e3;
        table.row(
            format_args!("latency {name}"),
            format_args!("{latency:.2} ms"),
        );
    }
    table.row("failures", outcome.failed());
    for (kind, count) in &outcome.failures {
        table.row(format_args!("  {kind}"), count);
    }
    if let Some((before, after)) = usage {
        let cpu = (after.cpu - before.cpu).as_secs_f64() * 1e6 / config.handshakes as f64;
        table.row("server CPU a handshake", format_args!("{cpu:.1} µs"));
        table.row(
            "resident at rest",
            format_args!("{} kB", before.resident / 1024),
        );
        table.row(
            "resident at its peak",
            format_args!("{} kB", after.peak / 1024),
        );
    }
    if let Some(idle) = idle {
        table.row("idle connections", idle.connections);
        table.row("  bytes each, silent", format_args!("{:.0}", idle.silent));
        table.row(
            "  bytes each, holding a puzzle",
            format_args!("{:.0}", idle.puzzled),
        );
    }
    table
}

impl fmt::Display for LoadtestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(reason) => write!(f, "cannot start the server: {reason}"),
            Self::Descriptors(error) => {
                write!(f, "`ulimit -n` is too low for so many connections: {error}")
            }
            Self::Io(error) => error.fmt(f),
            Self::Failures(count) => write!(f, "{count} handshakes failed"),
        }
    }
}

impl std::error::Error for LoadtestError {}

impl From<io::Error> for LoadtestError {
    fn from(error: io::Error) -> Self {
        match dial::is_exhausted(&error) {
            true => Self::Descriptors(error),
            false => Self::Io(error),
        }
    }
}
