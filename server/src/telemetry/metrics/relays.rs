//! The counters of relays.

use std::time::Duration;

use super::page::{COUNTER, GAUGE, Page};
use super::{Gauges, Histogram};
use crate::relay::Ending;

/// Counters and histograms of the relays of a gate.
#[derive(Debug)]
pub struct RelayMetrics {
    endings: [u64; Ending::ALL.len()],
    /// Bytes carried to the upstream, and to clients.
    carried: [u64; 2],
    connecting: Histogram<10>,
    lasting: Histogram<8>,
}

impl RelayMetrics {
    pub(super) fn new() -> Self {
        let connecting = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000];
        let lasting = [1, 10, 60, 300, 900, 3_600, 21_600, 86_400];
        Self {
            endings: [0; Ending::ALL.len()],
            carried: [0; 2],
            connecting: Histogram::new(connecting.map(Duration::from_millis)),
            lasting: Histogram::new(lasting.map(Duration::from_secs)),
        }
    }

    /// Counts a connection to the upstream that took `duration` to be made.
    pub fn connected(&mut self, duration: Duration) {
        self.connecting.observe(duration);
    }

    /// Counts the end of a relay that lasted for `duration`.
    pub fn ended(&mut self, ending: Ending, duration: Duration) {
        self.endings[ending as usize] += 1;
        self.lasting.observe(duration);
    }

    /// Returns the number of relays that ended in this way.
    pub fn count(&self, ending: Ending) -> u64 {
        self.endings[ending as usize]
    }

    /// Counts bytes that were carried to the upstream and to the client.
    pub fn carried(&mut self, up: u64, down: u64) {
        self.carried[0] += up;
        self.carried[1] += down;
    }

    pub(super) fn write(&self, gauges: &Gauges, page: &mut Page) {
        let [connecting, open] = gauges.relays;
        page.by(
            GAUGE,
            "powtcp_relays",
            "Relays by state.",
            "state",
            [("connecting", connecting), ("open", open)],
        );
        page.gauge(
            "powtcp_max_relays",
            "Relays that may be open or connecting at once; 0 without a gate.",
            gauges.max_relays,
        );
        page.by(
            COUNTER,
            "powtcp_relays_total",
            "Relays that have ended, each counted once, by how they ended.",
            "ending",
            Ending::ALL.map(|ending| (ending.name(), self.endings[ending as usize])),
        );
        let [up, down] = self.carried;
        page.by(
            COUNTER,
            "powtcp_relayed_bytes_total",
            "Bytes that relays carried, by direction.",
            "direction",
            [("to_upstream", up), ("to_client", down)],
        );
        page.histogram(
            "powtcp_upstream_connect_seconds",
            "Time from a right stamp to the connection with the upstream.",
            &self.connecting,
        );
        page.histogram(
            "powtcp_relay_seconds",
            "Time from a right stamp to the end of its relay.",
            &self.lasting,
        );
    }
}
