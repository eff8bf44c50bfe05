//! Log lines to standard error, and the limit that keeps a flood of connections from filling a disk.

mod kind;
mod limit;

use std::io::{self, Write};

use powtcp_common::log_line::{Format, Level, Value, write_line};

pub use kind::Kind;
use limit::Limit;

use crate::moment::{Moment, Now};

/// Where the server says what it does. Lines that cannot be written are lost, and the server goes
/// on: a full disk must not end a service.
#[derive(Debug)]
pub struct Log {
    level: Level,
    format: Format,
    limit: Limit,
    line: String,
}

impl Log {
    /// A log of the lines of `level` and graver.
    pub const fn new(level: Level, format: Format) -> Self {
        Self {
            level,
            format,
            limit: Limit::new(),
            line: String::new(),
        }
    }

    /// One line, whatever was written before: for what no peer can cause.
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
        // Nobody is left to be told of an error here.
        let _ = io::stderr().write_all(self.line.as_bytes());
    }

    /// Whether a line of this kind may be written now. One that may not is counted.
    pub fn admits(&mut self, now: Now, kind: Kind) -> bool {
        kind.level() <= self.level && self.limit.admits(kind, now.moment)
    }

    /// One line of a kind that [`Log::admits`] has admitted.
    pub fn limited_line(&mut self, now: Now, kind: Kind, fields: &[(&str, Value<'_>)]) {
        self.line(now, kind.level(), kind.message(), fields);
        self.limit.charge(kind, self.line.len());
    }

    /// When the lines that were left out are to be summed up, if any were.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.limit.deadline()
    }

    /// Says in one line how many lines of each kind were left out, if any were.
    pub fn sum_up(&mut self, now: Now) {
        if self.deadline().is_none() {
            return;
        }
        let fields: Vec<_> = self
            .limit
            .left_out()
            .map(|(kind, count)| (kind.name(), Value::Number(count)))
            .collect();
        self.line(now, Level::Info, "log lines left out", &fields);
        self.limit.start_interval(now.moment);
    }

    /// Each kind of line, with how many were left out since the start.
    pub fn left_out_in_all(&self) -> impl Iterator<Item = (Kind, u64)> {
        self.limit.left_out_in_all()
    }
}
