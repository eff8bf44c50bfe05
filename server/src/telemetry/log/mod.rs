//! Log lines on standard error, and the quotas that keep a flood of connections from filling a disk.

mod kind;
mod quota;

use std::io::{self, Write};

use powtcp_common::log_line::{Format, Level, Value, write_line};

pub use kind::Kind;
use quota::Quotas;

use crate::time::{Moment, Now};

/// The server's log. A line that cannot be written is lost, and the server goes on: a full disk must
/// not end a service.
#[derive(Debug)]
pub struct Log {
    level: Level,
    format: Format,
    quotas: Quotas,
    line: String,
}

impl Log {
    /// Creates a log of the lines of `level` and of more severe levels.
    pub fn new(level: Level, format: Format) -> Self {
        Self {
            level,
            format,
            quotas: Quotas::new(),
            line: String::new(),
        }
    }

    /// Writes a line that no peer can cause, regardless of quotas.
    pub fn line(&mut self, now: Now, level: Level, message: &str, fields: &[(&str, Value<'_>)]) {
        if level > self.level {
            return;
        }
        self.line.clear();
        write_line(
            &mut self.line,
            self.format,
            now.wall,
            level,
            message,
            fields,
        );
        // There is nowhere to report an error of standard error.
        let _ = io::stderr().write_all(self.line.as_bytes());
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
}
