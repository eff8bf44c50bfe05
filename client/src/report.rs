//! What the client reports on standard error while it works.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use powtcp_common::hashcash::{Difficulty, Kernel};
use powtcp_common::log_line::{Format, Level, Value, write_line};

use crate::error::ClientError;

/// How much to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Only errors.
    Quiet,
    /// What was solved, each retry, and on a terminal the progress of solving.
    Normal,
    /// Every step, as log lines.
    Verbose,
}

/// Reports the progress of a payment.
#[derive(Debug)]
pub struct Reporter {
    verbosity: Verbosity,
    shows_progress: bool,
}

/// What a search for a solution has cost so far.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// The difficulty of the puzzle.
    pub difficulty: Difficulty,
    /// Hashes computed.
    pub attempts: u64,
    /// Time since the start.
    pub elapsed: Duration,
    /// The kernel that computes the hashes.
    pub kernel: Kernel,
}

impl Reporter {
    /// Creates a reporter on standard error. It shows progress only if that is a terminal.
    pub fn new(verbosity: Verbosity) -> Self {
        let shows_progress = verbosity == Verbosity::Normal && io::stderr().is_terminal();
        Self {
            verbosity,
            shows_progress,
        }
    }

    /// Logs a step, if the reporter is verbose.
    pub fn step(&self, message: &str, fields: &[(&str, Value<'_>)]) {
        if self.verbosity == Verbosity::Verbose {
            let time = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let mut line = String::new();
            write_line(&mut line, Format::Text, time, Level::Info, message, fields);
            print(&line);
        }
    }

    /// Shows how far the search is. Has to be called several times a second.
    pub fn progress(&self, effort: &Effort) {
        if self.shows_progress {
            let share = effort.attempts as f64 / effort.difficulty.expected_hashes() * 100.0;
            // Return to the start of the line, and erase what the text before leaves behind.
            print(&format!(
                "\rsolving {effort}, {share:.0} % of the expected work\x1b[K"
            ));
        }
    }

    /// Erases the progress, when nothing more is searched for or something else is to be printed.
    pub fn progress_ended(&self) {
        if self.shows_progress {
            print("\r\x1b[K");
        }
    }

    /// Reports that a solution was found.
    pub fn solved(&self, effort: &Effort) {
        if self.verbosity == Verbosity::Normal {
            print(&format!("solved {effort}, {}\n", effort.kernel));
        }
        let milliseconds = Value::Number(effort.elapsed.as_millis() as u64);
        let kernel = effort.kernel.to_string();
        let fields = [
            ("kernel", Value::Text(&kernel)),
            ("attempts", Value::Number(effort.attempts)),
            ("took_ms", milliseconds),
        ];
        self.step("puzzle solved", &fields);
    }

    /// Reports that a connection failed, and that retry number `retry` of `most` follows after
    /// `delay`, or later if there is still a puzzle to solve.
    pub fn retry(&self, error: &ClientError, retry: u32, most: u32, delay: Duration) {
        let error = error.to_string();
        if self.verbosity == Verbosity::Normal {
            let seconds = delay.as_secs_f64();
            print(&format!(
                "{error}; retry {retry} of {most} in {seconds:.3} s\n"
            ));
        }
        let fields = [
            ("error", Value::Text(&error)),
            ("retry", Value::Number(retry.into())),
            ("in_ms", Value::Number(delay.as_millis() as u64)),
        ];
        self.step("trying again", &fields);
    }
}

/// Writes `20 bits: 1048576 attempts in 0.213 s, 4.92 MH/s`.
impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            difficulty,
            attempts,
            elapsed,
            ..
        } = self;
        let seconds = elapsed.as_secs_f64();
        let rate = if seconds > 0.0 {
            *attempts as f64 / seconds / 1e6
        } else {
            0.0
        };
        let bits = difficulty.bits();
        write!(
            f,
            "{bits} bits: {attempts} attempts in {seconds:.3} s, {rate:.2} MH/s"
        )
    }
}

/// Prints to standard error. Ignores errors: there is no other place to report them, and `eprint!`
/// would panic.
fn print(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_shows_bits_attempts_seconds_and_rate() {
        let difficulty = Difficulty::from_bits(20).unwrap();
        let elapsed = Duration::from_millis(250);
        let effort = Effort {
            difficulty,
            attempts: 1_000_000,
            elapsed,
            kernel: Kernel::Portable,
        };
        assert_eq!(
            effort.to_string(),
            "20 bits: 1000000 attempts in 0.250 s, 4.00 MH/s"
        );
        let effort = Effort {
            elapsed: Duration::ZERO,
            ..effort
        };
        assert_eq!(
            effort.to_string(),
            "20 bits: 1000000 attempts in 0.000 s, 0.00 MH/s"
        );
    }
}
