//! The table of relays: one column for the gate, one for the same traffic without it.

use super::table::{Table, cell};
use crate::config::Config;
use crate::honest::results::percentile;
use crate::relay::measure::{Findings, Side, bulk_connections};

const GIGABYTE: f64 = 1e9;

/// Returns one row for each figure. Without a gate there is no processor time or memory of one.
pub(crate) fn table(config: &Config, findings: &Findings) -> Table {
    let Findings { gate, direct, idle } = findings;
    let sides = [gate, direct];
    let counts = |count: usize| [count; 2].map(|count| count.to_string());
    let of_gate = |number, decimals| [cell(number, decimals), cell(None, 0)];
    let mut table = Table::default();
    let mut row = |name: &str, [gate, direct]: [String; 2]| {
        table.wide_row([name.to_string(), gate, direct]);
    };
    row("", ["gate", "direct"].map(String::from));
    row("bulk connections", counts(bulk_connections(config)));
    row(
        "bulk GB/s",
        sides.map(|side| cell(Some(side.bulk_rate()), 2)),
    );
    row("bulk CPU s/GB", of_gate(Some(gate.bulk_cpu()), 3));
    row("round trip connections", counts(config.concurrency));
    row(
        "round trips a second",
        sides.map(|side| cell(Some(side.trip_rate()), 0)),
    );
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let milliseconds = sides.map(|side| cell(side.milliseconds(share), 2));
        row(&format!("round trip {name} ms"), milliseconds);
    }
    row("round trip CPU µs", of_gate(Some(gate.trip_cpu()), 1));
    if idle.is_some() {
        row("idle relays", of_gate(Some(config.idle as f64), 0));
        row("bytes each idle relay", of_gate(*idle, 0));
    }
    table
}

impl Side {
    /// Returns the gigabytes per second of both directions.
    fn bulk_rate(&self) -> f64 {
        self.bulk.bytes as f64 / GIGABYTE / self.bulk.elapsed.as_secs_f64()
    }

    /// Returns the seconds of processor time for each gigabyte.
    fn bulk_cpu(&self) -> f64 {
        self.bulk.cpu.as_secs_f64() / (self.bulk.bytes as f64 / GIGABYTE)
    }

    fn trip_rate(&self) -> f64 {
        self.latencies.len() as f64 / self.round_trips.elapsed.as_secs_f64()
    }

    /// Returns the microseconds of processor time for each round trip.
    fn trip_cpu(&self) -> f64 {
        self.round_trips.cpu.as_secs_f64() * 1e6 / self.latencies.len() as f64
    }

    /// Returns the percentile `share` of the round trips.
    fn milliseconds(&self, share: f64) -> Option<f64> {
        let latency = percentile(&self.latencies, share)?;
        Some(latency.as_secs_f64() * 1e3)
    }
}
