//! The text that Prometheus reads: its exposition format, version 0.0.4.

use powtcp_common::refusal::Refusal;

use super::page::{COUNTER, GAUGE, Page};
use super::{Metrics, Outcome, Verdict};
use crate::limits::{Limits, Standing};
use crate::log::Log;
use crate::process::ProcessUsage;

/// What stands still between two events: read when somebody asks.
pub struct Gauges<'a> {
    /// Who holds a slot.
    pub limits: &'a Limits,
    /// What was not logged.
    pub log: &'a Log,
    /// Connections that wait to be admitted.
    pub waiting: usize,
    /// Whether accepting rests for want of descriptors.
    pub paused: bool,
    /// What the system knows of this process.
    pub process: ProcessUsage,
}

impl Metrics {
    /// The whole page. Names and units are by the conventions of Prometheus.
    pub fn exposition(&self, gauges: &Gauges<'_>) -> String {
        let mut page = Page::default();
        self.write_connections(gauges, &mut page);
        self.write_protocol(&mut page);
        self.write_loop(gauges, &mut page);
        write_process(&gauges.process, &mut page);
        page.0
    }

    fn write_connections(&self, gauges: &Gauges<'_>, page: &mut Page) {
        let Gauges { limits, .. } = gauges;
        page.counter(
            "powtcp_connections_accepted_total",
            "Connections accepted.",
            self.accepted,
        );
        page.by(
            COUNTER,
            "powtcp_connections_total",
            "Connections that are over, each counted once.",
            "outcome",
            Outcome::ALL.map(|outcome| (outcome.name(), self.outcomes[outcome as usize])),
        );
        page.by(
            GAUGE,
            "powtcp_connections",
            "Connections that are open.",
            "state",
            Standing::ALL.map(|standing| (standing.name(), limits.count(standing) as u64)),
        );
        page.gauge(
            "powtcp_connections_waiting",
            "Connections that wait to be admitted, and count as accepted only then.",
            gauges.waiting,
        );
        page.gauge(
            "powtcp_max_connections",
            "Connections that may be open at once.",
            limits.bounds().connections,
        );
        page.by(
            COUNTER,
            "powtcp_evictions_total",
            "Connections that made room for another, by how far they had come.",
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
            "Stamps that came, by what they turned out to be.",
            "verdict",
            Verdict::ALL.map(|verdict| (verdict.name(), self.stamps[verdict as usize])),
        );
        page.by(
            COUNTER,
            "powtcp_refusals_total",
            "Errors sent, by what they say.",
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

    fn write_loop(&self, gauges: &Gauges<'_>, page: &mut Page) {
        page.histogram(
            "powtcp_loop_turn_seconds",
            "Time that a turn of the event loop worked.",
            &self.turns,
        );
        page.counter(
            "powtcp_accept_pauses_total",
            "Times that accepting paused for want of descriptors.",
            self.accept_pauses,
        );
        page.gauge(
            "powtcp_accepting_paused",
            "Whether accepting is paused for want of descriptors.",
            u8::from(gauges.paused),
        );
        page.by(
            COUNTER,
            "powtcp_log_lines_left_out_total",
            "Log lines not written, by what they would have told.",
            "kind",
            gauges
                .log
                .left_out_in_all()
                .map(|(kind, count)| (kind.name(), count)),
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

fn write_process(process: &ProcessUsage, page: &mut Page) {
    page.gauge(
        "process_start_time_seconds",
        "Start of the process, since the Unix epoch.",
        process.start.as_secs_f64(),
    );
    if let Some(cpu) = process.cpu {
        page.counter(
            "process_cpu_seconds_total",
            "Time on a processor, user and system.",
            cpu.as_secs_f64(),
        );
    }
    let gauges = [
        (
            "process_resident_memory_bytes",
            "Memory resident.",
            process.resident,
        ),
        (
            "process_open_fds",
            "Descriptors that are open.",
            process.open_descriptors,
        ),
        (
            "process_max_fds",
            "Descriptors that may be open.",
            process.max_descriptors,
        ),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            page.gauge(name, help, value);
        }
    }
}
