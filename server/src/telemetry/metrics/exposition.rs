//! The metrics page as text: the exposition format of Prometheus, version 0.0.4. Names and units
//! follow its conventions.

use powtcp_common::refusal::Refusal;

use super::page::{COUNTER, GAUGE, Page};
use super::{Metrics, Outcome, StampCheck};
use crate::admission::Standing;

/// Values sampled at scrape time.
#[derive(Debug)]
pub struct Gauges {
    /// Open connections by standing.
    pub open: [(Standing, u64); Standing::ALL.len()],
    /// Connections that may be open at once.
    pub max_connections: u64,
    /// Connections that wait to be admitted.
    pub waiting: u64,
    /// Whether accepting is paused because descriptors ran out or accepting keeps failing.
    pub paused: bool,
    /// Relays that are connecting, and relays that are open.
    pub relays: [u64; 2],
    /// Relays at once; 0 without a gate.
    pub max_relays: u64,
    /// Difficulty of a puzzle without a surcharge, in bits.
    pub level_bits: u64,
    /// The greatest difficulty, in bits.
    pub max_level_bits: u64,
    /// Work that stamps have proven lately, in hashes a second.
    pub proven_work: f64,
    /// Log lines suppressed since the start, by name of their kind.
    pub suppressed_lines: Vec<(&'static str, u64)>,
    /// Log lines dropped since the start because they could not be written.
    pub dropped_lines: u64,
    /// By how many seconds the wall clock is ahead of its value at the start plus monotonic time.
    pub clock_offset: f64,
    /// Start of the process, in seconds since the Unix epoch.
    pub start_seconds: f64,
    /// Time on a processor, user and system, in seconds.
    pub cpu_seconds: Option<f64>,
    /// Resident memory, in bytes.
    pub resident_bytes: Option<u64>,
    /// Open descriptors.
    pub open_descriptors: Option<u64>,
    /// Descriptors that may be open.
    pub max_descriptors: Option<u64>,
}

impl Metrics {
    /// Returns the text of the whole page.
    pub fn exposition(&self, gauges: &Gauges) -> String {
        let mut page = Page::default();
        self.write_connections(gauges, &mut page);
        self.write_protocol(&mut page);
        self.prices.write(gauges, &mut page);
        self.relays.write(gauges, &mut page);
        self.write_loop(gauges, &mut page);
        write_process(gauges, &mut page);
        page.0
    }

    fn write_connections(&self, gauges: &Gauges, page: &mut Page) {
        page.counter(
            "powtcp_connections_accepted_total",
            "Connections accepted.",
            self.accepted,
        );
        page.by(
            COUNTER,
            "powtcp_connections_total",
            "Connections that have ended, each counted once, by outcome.",
            "outcome",
            Outcome::ALL.map(|outcome| (outcome.name(), self.outcomes(outcome))),
        );
        page.by(
            GAUGE,
            "powtcp_connections",
            "Open connections by state.",
            "state",
            gauges
                .open
                .map(|(standing, count)| (standing.name(), count)),
        );
        page.gauge(
            "powtcp_connections_waiting",
            "Connections that wait to be admitted; they count as accepted only then.",
            gauges.waiting,
        );
        page.gauge(
            "powtcp_max_connections",
            "Connections that may be open at once.",
            gauges.max_connections,
        );
        page.by(
            COUNTER,
            "powtcp_evictions_total",
            "Connections evicted to make room for others, by their state.",
            "state",
            [Standing::Lingering, Standing::Fresh, Standing::Puzzled]
                .map(|standing| (standing.name(), self.evictions[standing as usize])),
        );
    }

    fn write_protocol(&self, page: &mut Page) {
        page.counter("powtcp_puzzles_issued_total", "Puzzles sent.", self.puzzles);
        page.by(
            COUNTER,
            "powtcp_stamps_total",
            "Stamps received, by the result of their check.",
            "verdict",
            StampCheck::ALL.map(|check| (check.name(), self.stamps[check as usize])),
        );
        page.by(
            COUNTER,
            "powtcp_refusals_total",
            "Errors sent, by reason.",
            "reason",
            Refusal::ALL.map(|why| (why.name(), self.refusals[why as usize])),
        );
        page.counter(
            "powtcp_received_bytes_total",
            "Bytes read from connections.",
            self.received,
        );
        page.counter("powtcp_sent_bytes_total", "Bytes of answers.", self.sent);
        page.histogram(
            "powtcp_solve_seconds",
            "Time from a puzzle to its right stamp.",
            &self.solving,
        );
    }

    fn write_loop(&self, gauges: &Gauges, page: &mut Page) {
        page.histogram(
            "powtcp_loop_turn_seconds",
            "Working time of one turn of the event loop.",
            &self.turns,
        );
        page.counter(
            "powtcp_accept_pauses_total",
            "Times that accepting paused because descriptors ran out or accepting kept failing.",
            self.accept_pauses,
        );
        page.gauge(
            "powtcp_accepting_paused",
            "Whether accepting is paused because descriptors ran out or accepting keeps failing.",
            u8::from(gauges.paused),
        );
        page.by(
            COUNTER,
            "powtcp_log_lines_left_out_total",
            "Log lines suppressed because the quota of their kind was used up.",
            "kind",
            gauges.suppressed_lines.iter().copied(),
        );
        page.counter(
            "powtcp_log_lines_dropped_total",
            "Log lines dropped because standard error did not take them.",
            gauges.dropped_lines,
        );
        page.gauge(
            "powtcp_clock_offset_seconds",
            "Wall clock minus the clock of puzzles: wall clock at the start plus monotonic time.",
            gauges.clock_offset,
        );
        page.by(
            GAUGE,
            "powtcp_build_info",
            "The version that runs.",
            "version",
            [(env!("CARGO_PKG_VERSION"), 1)],
        );
    }
}

fn write_process(gauges: &Gauges, page: &mut Page) {
    page.gauge(
        "process_start_time_seconds",
        "Start of the process, since the Unix epoch.",
        gauges.start_seconds,
    );
    if let Some(seconds) = gauges.cpu_seconds {
        page.counter(
            "process_cpu_seconds_total",
            "Time on a processor, user and system.",
            seconds,
        );
    }
    let optional = [
        (
            "process_resident_memory_bytes",
            "Resident memory.",
            gauges.resident_bytes,
        ),
        (
            "process_open_fds",
            "Open descriptors.",
            gauges.open_descriptors,
        ),
        (
            "process_max_fds",
            "Descriptors that may be open.",
            gauges.max_descriptors,
        ),
    ];
    for (name, help, value) in optional {
        if let Some(value) = value {
            page.gauge(name, help, value);
        }
    }
}
