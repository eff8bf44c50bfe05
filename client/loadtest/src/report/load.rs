//! The table of handshakes and idle connections.

use super::table::Table;
use crate::config::Config;
use crate::honest::handshakes::Findings;

/// Returns one row for each figure.
pub(crate) fn table(config: &Config, findings: &Findings) -> Table {
    let results = &findings.results;
    let mut table = Table::default();
    table.row("server", findings.address);
    table.row("handshakes", config.handshakes);
    table.row("concurrent", config.concurrency);
    table.row("handshakes a second", format_args!("{:.0}", results.rate()));
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
        let latency = results.latency(share).as_secs_f64() * 1e3;
        table.row(
            format_args!("latency {name}"),
            format_args!("{latency:.2} ms"),
        );
    }
    table.row("failures", results.failed());
    for (kind, count) in &results.failures {
        table.row(format_args!("  {kind}"), count);
    }
    if let Some([before, after]) = findings.usage {
        let cpu = (after.cpu - before.cpu).as_secs_f64() * 1e6 / config.handshakes as f64;
        table.row("server CPU a handshake", format_args!("{cpu:.1} µs"));
        let kilobytes = |bytes: u64| format!("{} kB", bytes / 1024);
        table.row("resident at rest", kilobytes(before.resident));
        table.row("resident at its peak", kilobytes(after.peak));
    }
    if let Some(idle) = &findings.idle {
        table.row("idle connections", idle.connections);
        table.row("  bytes each, silent", format_args!("{:.0}", idle.silent));
        table.row(
            "  bytes each, holding a puzzle",
            format_args!("{:.0}", idle.puzzled),
        );
    }
    table
}
