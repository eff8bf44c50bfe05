//! The table of attacks.

use std::fmt::Write;

use super::table::Table;
use crate::attack::siege::Row;
use crate::config::{AttackPlan, Config};
use crate::honest::clients::CLIENTS;

const COLUMNS: [&str; 11] = [
    "attack",
    "opened",
    "tried",
    "succeeded",
    "p50 ms",
    "p99 ms",
    "max ms",
    "x none",
    "CPU %",
    "peak kB",
    "log B/min",
];

/// Returns a line with the strength of the attacks, one row for each of them, and their failures. The
/// first of `rows` is the one without an attack.
pub(crate) fn text(config: &Config, plan: &AttackPlan, rows: &[Row]) -> String {
    let mut table = Table::default();
    table.wide_row(COLUMNS.map(String::from));
    for row in rows {
        let ratio = row.ratio(rows);
        table.wide_row([
            row.attack.to_string(),
            row.opened.to_string(),
            (row.honest.succeeded() + row.honest.failed()).to_string(),
            row.honest.succeeded().to_string(),
            format!("{:.2}", row.milliseconds(0.5)),
            format!("{:.2}", row.milliseconds(0.99)),
            format!("{:.1}", row.milliseconds(1.0)),
            ratio.map_or("-".to_string(), |ratio| format!("{ratio:.1}")),
            format!("{:.0}", row.cpu * 100.0),
            (row.peak / 1024).to_string(),
            format!("{:.0}", row.log),
        ]);
    }
    let mut text = format!(
        "{CLIENTS} honest clients, {} bits; {} attacking connections from {} addresses, {} a second, \
         {} s\n\n{table}",
        config.bits,
        plan.connections,
        config.sources,
        plan.rate,
        plan.time.as_secs_f64()
    );
    for row in rows {
        for (kind, count) in &row.honest.failures {
            // Writing to a `String` never fails.
            let _ = writeln!(text, "{}: {count} failed: {kind}", row.attack);
        }
    }
    text
}

impl Row {
    /// Returns the percentile `share` of the latencies of honest handshakes.
    fn milliseconds(&self, share: f64) -> f64 {
        self.honest.latency(share).as_secs_f64() * 1e3
    }

    /// Returns the p99 divided by that of the first of `rows`, if a client was served in both.
    fn ratio(&self, rows: &[Self]) -> Option<f64> {
        let without_attack = rows.first()?.milliseconds(0.99);
        let attacked = self.milliseconds(0.99);
        (without_attack > 0.0 && attacked > 0.0).then(|| attacked / without_attack)
    }
}
