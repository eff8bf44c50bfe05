//! The table of attacks.

use std::fmt::Write;

use super::table::{Table, cell};
use crate::attack::row::Row;
use crate::attack::siege::SiegeRow;
use crate::config::{AttackPlan, Config};

const COLUMNS: [&str; 14] = [
    "attack",
    "opened",
    "tried",
    "succeeded",
    "p50 ms",
    "p99 ms",
    "max ms",
    "x none",
    "unserved %",
    "reconnects",
    "CPU %",
    "peak kB",
    "log B",
    "in s",
];

/// Returns a line with the strength of the attacks, one row for each of them, and their failures. The
/// first of `rows` is the one without an attack.
pub(crate) fn text(config: &Config, plan: &AttackPlan, rows: &[SiegeRow]) -> String {
    let mut table = Table::default();
    table.wide_row(COLUMNS.map(String::from));
    for row in rows {
        let honest = &row.honest;
        table.wide_row([
            row.name.clone(),
            row.attack.to_string(),
            (honest.succeeded() + honest.failed()).to_string(),
            honest.succeeded().to_string(),
            cell(row.milliseconds(0.5), 2),
            cell(row.milliseconds(0.99), 2),
            cell(row.milliseconds(1.0), 1),
            cell(row.ratio(rows), 1),
            cell(honest.intervals.unserved().map(|share| share * 100.0), 0),
            cell(honest.reconnections(0.5).map(f64::from), 0),
            cell(row.cost.as_ref().map(|cost| cost.cpu * 100.0), 0),
            cell(row.cost.as_ref().map(|cost| (cost.peak / 1024) as f64), 0),
            row.log.to_string(),
            format!("{:.1}", honest.elapsed().as_secs_f64()),
        ]);
    }
    let most = plan.connections;
    let mut text = format!(
        "{} honest clients a second, {} bits; ",
        config.rate, config.bits
    );
    if let [attack] = plan.attacks {
        let rate = plan.rate.unwrap_or(attack.rate);
        let sources = config.sources.unwrap_or(attack.sources);
        // Writing to a `String` never fails.
        let _ = write!(
            text,
            "{most} attacking connections from {sources} addresses, {rate} a second, "
        );
    } else {
        let _ = write!(text, "at most {most} attacking connections, ");
    }
    if config.proxied {
        text.push_str("all with a PROXY protocol header, ");
    }
    let _ = write!(text, "{} s\n\n{table}", plan.time.as_secs_f64());
    add_failures(&mut text, rows);
    text
}

/// Adds a line for each kind of failure of honest clients in each row, and for each server that ended.
pub(super) fn add_failures<T>(text: &mut String, rows: &[Row<T>]) {
    for row in rows {
        for (kind, count) in &row.honest.failures {
            let _ = writeln!(text, "{}: {count} failed: {kind}", row.name);
        }
        if let Some(end) = &row.server_end {
            let _ = writeln!(text, "{}: the server ended: {end}", row.name);
        }
    }
}

impl SiegeRow {
    /// Returns the percentile `share` of the latencies of honest handshakes.
    fn milliseconds(&self, share: f64) -> Option<f64> {
        let latency = self.honest.latency(share)?;
        Some(latency.as_secs_f64() * 1e3)
    }

    /// Returns the p99 divided by that of the first of `rows`, if a client was served in both.
    fn ratio(&self, rows: &[Self]) -> Option<f64> {
        let without_attack = rows.first()?.milliseconds(0.99)?;
        Some(self.milliseconds(0.99)? / without_attack)
    }
}
