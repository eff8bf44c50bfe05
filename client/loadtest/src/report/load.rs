//! The table of handshakes and idle connections.

use super::table::{Table, cell};
use crate::config::Config;
use crate::honest::handshakes::Findings;
use crate::honest::results::Results;

/// Returns one row for each figure.
pub(crate) fn table(config: &Config, findings: &Findings) -> Table {
    let results = &findings.closed;
    let rate = (results.succeeded() > 0).then(|| results.rate());
    let mut table = Table::default();
    table.row("server", findings.address);
    table.row("handshakes", config.handshakes);
    table.row("concurrent", config.concurrency);
    if config.proxied {
        table.row("each begins with", "a PROXY protocol header");
    }
    table.row("handshakes a second", cell(rate, 0));
    latencies(&mut table, "closed", results);
    if let Some(open) = &findings.open {
        table.row("open rate a second", config.rate);
        latencies(&mut table, "open", open);
        let unserved = open.intervals.unserved().map(|share| share * 100.0);
        table.row("open unserved", with_unit(unserved, 0, "%"));
    }
    table.row("failures", findings.failed());
    let open = findings.open.iter().flat_map(|open| &open.failures);
    for (kind, count) in results.failures.iter().chain(open) {
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

/// Adds the latencies of a phase.
fn latencies(table: &mut Table, phase: &str, results: &Results) {
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
        let latency = results.latency(share);
        let milliseconds = latency.map(|latency| latency.as_secs_f64() * 1e3);
        table.row(
            format_args!("{phase} latency {name}"),
            with_unit(milliseconds, 2, "ms"),
        );
    }
}

/// Returns a number with its unit, or `-` where there is none.
fn with_unit(number: Option<f64>, decimals: usize, unit: &str) -> String {
    number.map_or(cell(None, 0), |_| {
        format!("{} {unit}", cell(number, decimals))
    })
}
