//! Checks after each turn for what no event reports: a wall clock that was changed, and log lines that
//! were suppressed or dropped. The checks never wake the loop by themselves.

use std::time::Duration;

use powtcp_common::log_line::{Level, Value};

use crate::net::clock::Clock;
use crate::net::shared::{Shared, Timer};
use crate::telemetry::clock_watch::ClockWatch;
use crate::time::Now;

/// The time between two attempts to report dropped log lines.
const DROP_REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Checks the clocks and the log after each turn of the loop. Its timers are armed only while there is
/// something to report, so that an idle server sleeps.
#[derive(Debug, Default)]
pub struct Housekeeping {
    clock: ClockWatch,
    /// Whether [`Timer::LogReport`] is armed.
    reporting_suppressed: bool,
    /// Whether [`Timer::DropReport`] is armed.
    reporting_dropped: bool,
}

impl Housekeeping {
    /// Warns of a changed wall clock, and arms the timers of the log.
    pub fn after_turn(&mut self, clock: &Clock, shared: &mut Shared, now: Now) {
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
