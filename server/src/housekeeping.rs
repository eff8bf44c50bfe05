//! Checks after each turn for what no event reports: a wall clock that was changed, a price that has risen or
//! fallen, and log lines that were suppressed or dropped. The checks never wake the loop by themselves.

use std::time::Duration;

use powtcp_common::hashcash::Difficulty;
use powtcp_common::log_line::{Level, Value};

use crate::net::clock::Clock;
use crate::net::shared::{Shared, Timer};
use crate::telemetry::clock_watch::ClockWatch;
use crate::telemetry::log::Kind;
use crate::time::Now;

/// The time between two attempts to report dropped log lines.
const DROP_REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Checks the clocks and the log after each turn of the loop. Its timers are armed only while there is
/// something to report, so that an idle server sleeps.
#[derive(Debug, Default)]
pub struct Housekeeping {
    clock: ClockWatch,
    /// The level that was logged last; at the start the settings tell it.
    level: Option<Difficulty>,
    /// Whether [`Timer::LogReport`] is armed.
    reporting_suppressed: bool,
    /// Whether [`Timer::DropReport`] is armed.
    reporting_dropped: bool,
}

impl Housekeeping {
    /// Warns of a changed wall clock, and arms the timers of the log.
    pub fn after_turn(&mut self, clock: &Clock, shared: &mut Shared, now: Now) {
        self.log_level_change(shared, now);
        let Shared { log, timers, .. } = shared;
        if let Some(offset) = self.clock.observe(clock.wall_at_start(), now) {
            let offset = format!("{offset:.3}");
            let fields = [("offset_seconds", Value::Text(&offset))];
            log.line(now, Level::Warn, "the wall clock was changed", &fields);
        }
        if let (false, Some(deadline)) = (self.reporting_suppressed, log.deadline()) {
            timers.arm(deadline.due_tick(), Timer::LogReport);
            self.reporting_suppressed = true;
        }
        if !self.reporting_dropped && log.has_unreported_drops() {
            let due = now.moment.after(DROP_REPORT_INTERVAL).due_tick();
            timers.arm(due, Timer::DropReport);
            self.reporting_dropped = true;
        }
    }

    /// Logs a level that is not the last one logged. A fixed difficulty costs nothing here.
    fn log_level_change(&mut self, shared: &mut Shared, now: Now) {
        let Some(work) = shared.pricing.proven_work(now.moment) else {
            return;
        };
        let level = shared.level(now.moment);
        let before = self.level.replace(level).unwrap_or(level);
        if level != before && shared.log.admits(now, Kind::LevelChanged) {
            let bits = |level: Difficulty| Value::Number(level.bits().into());
            let fields = [
                ("bits", bits(level)),
                ("before", bits(before)),
                ("proven_hashes_per_second", Value::Number(work as u64)),
            ];
            shared.log.limited_line(now, Kind::LevelChanged, &fields);
        }
    }

    /// Reports suppressed lines, when [`Timer::LogReport`] fires.
    pub fn report_suppressed(&mut self, shared: &mut Shared, now: Now) {
        self.reporting_suppressed = false;
        shared.log.report_suppressed(now);
    }

    /// Reports dropped lines, when [`Timer::DropReport`] fires.
    pub fn report_dropped(&mut self, shared: &mut Shared, now: Now) {
        self.reporting_dropped = false;
        shared.log.report_dropped(now);
    }
}
