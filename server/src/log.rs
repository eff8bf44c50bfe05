//! Log lines to standard error, and the limit that keeps a flood of connections from filling a disk.

use std::io::{self, Write};
use std::time::Duration;

use powtcp_common::log_line::{Format, Level, Value, write_line};

use crate::moment::{Moment, Now};

/// Info lines about single connections in one interval: at two lines a handshake and 200 bytes a
/// line, some 600 kB a minute, however many connections come.
const LINES_PER_INTERVAL: u32 = 50;
const INTERVAL: Duration = Duration::from_secs(1);

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

    /// Whether lines of `level` are written.
    pub fn shows(&self, level: Level) -> bool {
        level <= self.level
    }

    /// One line.
    pub fn line(&mut self, now: Now, level: Level, message: &str, fields: &[(&str, Value<'_>)]) {
        if !self.shows(level) {
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

    /// Whether an info line about a single connection may be written now. One that may not is counted.
    pub fn admits_connection_line(&mut self, now: Now) -> bool {
        self.shows(Level::Info) && self.limit.admits(now.moment)
    }

    /// When the lines that were left out are to be summed up, if any were.
    #[must_use]
    pub const fn deadline(&self) -> Option<Moment> {
        self.limit.deadline()
    }

    /// Says how many lines were left out, if any were.
    pub fn sum_up(&mut self, now: Now) {
        if self.deadline().is_some() {
            let count = self.limit.start_interval(now.moment);
            self.line(
                now,
                Level::Info,
                "log lines left out",
                &[("count", Value::Number(count))],
            );
        }
    }
}

/// Counts lines by intervals of one second.
#[derive(Debug)]
struct Limit {
    end: Moment,
    written: u32,
    left_out: u64,
}

impl Limit {
    const fn new() -> Self {
        Self {
            end: Moment::new(Duration::ZERO),
            written: 0,
            left_out: 0,
        }
    }

    /// Whether one more line may be written. An interval in which lines were left out lasts until
    /// they were summed up.
    fn admits(&mut self, now: Moment) -> bool {
        if now >= self.end && self.left_out == 0 {
            self.start_interval(now);
        }
        let admitted = self.written < LINES_PER_INTERVAL;
        if admitted {
            self.written += 1;
        } else {
            self.left_out += 1;
        }
        admitted
    }

    const fn deadline(&self) -> Option<Moment> {
        if self.left_out > 0 {
            Some(self.end)
        } else {
            None
        }
    }

    /// Starts to count anew; returns how many lines were left out.
    fn start_interval(&mut self, now: Moment) -> u64 {
        let left_out = self.left_out;
        *self = Self {
            end: now.after(INTERVAL),
            written: 0,
            left_out: 0,
        };
        left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_to_the_limit_and_summed_up() {
        let mut limit = Limit::new();
        let at = |milliseconds| Moment::new(Duration::from_millis(milliseconds));
        let admitted = (0..1_000).filter(|_| limit.admits(at(5_000))).count();
        assert_eq!(admitted, LINES_PER_INTERVAL as usize);
        assert_eq!(limit.deadline(), Some(at(6_000)));
        assert!(!limit.admits(at(6_500)));
        assert_eq!(
            limit.start_interval(at(6_500)),
            1_001 - u64::from(LINES_PER_INTERVAL)
        );
        assert!(limit.admits(at(6_500)));
        assert_eq!(limit.deadline(), None);
    }

    #[test]
    fn quiet_traffic_is_never_cut() {
        let mut limit = Limit::new();
        for second in 0..100 {
            for _ in 0..LINES_PER_INTERVAL {
                assert!(limit.admits(Moment::new(Duration::from_secs(second))));
            }
        }
        assert_eq!(limit.deadline(), None);
    }
}
