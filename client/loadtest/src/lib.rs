//! Load for a powtcp server on this machine, and a table of what that load costs.
//!
//! There are three kinds of load. The first is `honest`: many handshakes at the same time, then idle
//! connections. The second is `attack`: each attack in turn, while a few honest clients measure what
//! they notice of it. `driver` is the event loop under both. The third is `relay`: traffic through a gate.
//! `report` writes the tables.

#![forbid(unsafe_code)]

mod attack;
mod config;
mod driver;
mod error;
mod honest;
mod own_server;
mod relay;
mod report;

use std::io::{self, Write};

use attack::row::Row;
use attack::{paid, siege};
pub use config::{Config, PROGRAM};
pub use error::LoadtestError;
use honest::handshakes;
use relay::measure;
use report::{attacks, load, prices, relays};

/// Runs the load that `config` describes, and prints the table.
///
/// # Errors
/// The load could not be made, or a handshake failed.
pub fn run(config: &Config) -> Result<(), LoadtestError> {
    let (text, failed, trouble) = if let Some(plan) = &config.attack {
        let rows = siege::run(config, plan)?;
        with_failures(attacks::text(config, plan, &rows), &rows)
    } else if let Some(plan) = &config.paid {
        let rows = paid::run(config, plan)?;
        with_failures(prices::text(config, plan, &rows), &rows)
    } else if config.relay {
        let findings = measure::measure(config)?;
        (relays::table(config, &findings).to_string(), 0, None)
    } else {
        let findings = handshakes::measure(config)?;
        let text = load::table(config, &findings).to_string();
        (text, findings.failed(), findings.trouble)
    };
    // A reader may close the pipe before the end of the table.
    let _ = io::stdout().write_all(text.as_bytes());
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    if failed > 0 {
        return Err(LoadtestError::Failures(failed));
    }
    Ok(())
}

/// Returns the text, the number of honest clients of `rows` that failed, and the end of a server.
fn with_failures<T>(text: String, rows: &[Row<T>]) -> (String, usize, Option<LoadtestError>) {
    let failed = rows.iter().map(|row| row.honest.failed()).sum();
    let end = rows.iter().find_map(|row| row.server_end.clone());
    (text, failed, end.map(LoadtestError::ServerEnded))
}
