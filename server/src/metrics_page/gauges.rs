//! The values of the metrics page that are sampled when it is requested.

use crate::admission::Standing;
use crate::net::clock::Clock;
use crate::net::connections::Connections;
use crate::net::intake::Intake;
use crate::net::shared::Shared;
use crate::relay::Relays;
use crate::telemetry::clock_watch::clock_offset;
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Gauges;
use crate::telemetry::process::ProcessFiles;
use crate::time::Now;

/// The parts of the server that the gauges are read from.
pub struct GaugeSources<'a> {
    /// The newcomers.
    pub intake: &'a Intake,
    /// The table of connections.
    pub connections: &'a Connections,
    /// The relays, in a gate.
    pub relays: Option<&'a Relays>,
    /// The clocks.
    pub clock: &'a Clock,
    /// The time of the request.
    pub now: Now,
}

impl GaugeSources<'_> {
    pub(super) fn health(&self, shared: &Shared) -> Health {
        if self.intake.is_shut() {
            Health::ShuttingDown
        } else if shared.upstream_health.has_failed_lately(self.now.moment) {
            Health::UpstreamUnreachable
        } else {
            Health::Serving
        }
    }

    pub(super) fn sample(&self, shared: &Shared, process: &ProcessFiles) -> Gauges {
        let limits = &self.connections.limits;
        let suppressed = shared.log.suppressed_total();
        let start = self.clock.wall_at_start();
        let usage = process.usage();
        Gauges {
            open: Standing::ALL.map(|standing| (standing, limits.count(standing) as u64)),
            max_connections: limits.bounds().connections as u64,
            relays: self
                .relays
                .map_or([0; 2], Relays::counts)
                .map(|count| count as u64),
            max_relays: shared
                .relay_limits
                .as_ref()
                .map_or(0, |limits| limits.max() as u64),
            level_bits: shared.level(self.now.moment).bits().into(),
            max_level_bits: shared.pricing.greatest().bits().into(),
            proven_work: shared.pricing.proven_work(self.now.moment).unwrap_or(0.0),
            waiting: self.intake.waiting() as u64,
            paused: self.intake.is_paused(),
            suppressed_lines: suppressed
                .map(|(kind, count)| (kind.name(), count))
                .collect(),
            dropped_lines: shared.log.dropped_total(),
            clock_offset: clock_offset(start, self.now),
            start_seconds: start.as_secs_f64(),
            cpu_seconds: usage.cpu.map(|cpu| cpu.as_secs_f64()),
            resident_bytes: usage.resident,
            open_descriptors: usage.open_descriptors,
            max_descriptors: usage.max_descriptors,
        }
    }
}
