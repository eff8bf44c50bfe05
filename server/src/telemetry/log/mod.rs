//! Log lines on standard error, and the quotas that keep a flood of connections from filling a disk.

mod kind;
mod line_queue;
mod quota;

use std::io;

use powtcp_common::log_line::{Format, Level, Value, write_line};

pub use kind::Kind;
use line_queue::LineQueue;
use quota::Quotas;

use crate::time::{Moment, Now};

/// The server's log. A line that cannot be written is dropped and counted, and the server goes on: a
/// full disk or a full pipe must not stop a service.
#[derive(Debug)]
pub struct Log {
    level: Level,
    format: Format,
    quotas: Quotas,
    queue: LineQueue,
    line: String,
}

impl Log {
    /// Starts a log of the lines of `level` and of more severe levels, with its writer thread.
    ///
    /// # Errors
    /// The system allows no other thread.
    pub fn start(level: Level, format: Format) -> io::Result<Self> {
        Ok(Self {
            level,
            format,
            quotas: Quotas::new(),
            queue: LineQueue::start(io::stderr())?,
            line: String::new(),
        })
    }

    /// Writes a line that no peer can cause, regardless of quotas.
    pub fn line(&mut self, now: Now, level: Level, message: &str, fields: &[(&str, Value<'_>)]) {
        if level > self.level {
            return;
        }
        // Before the line, because the dropped ones are older.
        self.report_dropped(now);
        self.format(now, level, message, fields);
        self.queue.push(&self.line);
    }

    /// Returns whether a line of this kind may be written now, and counts it as suppressed if its
    /// quota is used up.
    pub fn admits(&mut self, now: Now, kind: Kind) -> bool {
        kind.level() <= self.level && self.quotas.admits(kind, now.moment)
    }

    /// Writes a line of a kind that [`Log::admits`] has admitted.
    pub fn limited_line(&mut self, now: Now, kind: Kind, fields: &[(&str, Value<'_>)]) {
        self.line(now, kind.level(), kind.message(), fields);
        self.quotas.charge(kind, self.line.len());
    }

    /// Returns when to call [`Log::report_suppressed`], or `None` if no line was suppressed.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.quotas.deadline()
    }

    /// Writes one line with the number of suppressed lines of each kind, if there are any.
    pub fn report_suppressed(&mut self, now: Now) {
        if self.deadline().is_none() {
            return;
        }
        let fields: Vec<_> = self
            .quotas
            .suppressed()
            .map(|(kind, count)| (kind.name(), Value::Number(count)))
            .collect();
        self.line(now, Level::Info, "log lines suppressed", &fields);
        self.quotas.start_interval(now.moment);
    }

    /// Returns each kind of line, with the number of lines suppressed since the start.
    pub fn suppressed_total(&self) -> impl Iterator<Item = (Kind, u64)> {
        self.quotas.suppressed_total()
    }

    /// Writes one line with the number of dropped lines, if there are any and writing works again.
    pub fn report_dropped(&mut self, now: Now) {
        let count = self.queue.take_dropped();
        if count > 0 && Level::Warn <= self.level {
            let fields = [("count", Value::Number(count))];
            self.format(now, Level::Warn, "log lines dropped", &fields);
            self.queue.push_report(&self.line, count);
        }
    }

    /// Returns whether to call [`Log::report_dropped`] again after a while.
    pub fn has_unreported_drops(&self) -> bool {
        self.queue.has_unreported()
    }

    /// Returns the number of lines dropped since the start because they could not be written.
    pub fn dropped_total(&self) -> u64 {
        self.queue.dropped_total()
    }

    /// Waits a short time until all lines are written.
    pub fn finish(self) {
        self.queue.finish();
    }

    fn format(&mut self, now: Now, level: Level, message: &str, fields: &[(&str, Value<'_>)]) {
        self.line.clear();
        let format = self.format;
        write_line(&mut self.line, format, now.wall, level, message, fields);
    }
}
