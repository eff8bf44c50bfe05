//! What the client prints on standard error while it works.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use powtcp_common::hashcash::{Difficulty, Kernel};
use powtcp_common::log_line::{Format, Level, Value, write_line};

use crate::error::ClientError;

/// How much to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// One line for a solved puzzle, and on a terminal the progress of the search.
    Normal,
    /// Every step, as log lines.
    Verbose,
}

/// Prints what the client does.
#[derive(Debug)]
pub struct Reporter {
    verbosity: Verbosity,
    shows_progress: bool,
}

/// The work that a search for a counter has taken so far.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// The difficulty of the puzzle.
    pub difficulty: Difficulty,
    /// Hashes computed.
    pub attempts: u64,
    /// Time spent.
    pub elapsed: Duration,
    /// The instructions that compute them.
    pub kernel: Kernel,
}

impl Reporter {
    /// Creates a reporter on standard error. It shows progress if standard error is a terminal.
    pub fn new(verbosity: Verbosity) -> Self {
        let shows_progress = verbosity == Verbosity::Normal && io::stderr().is_terminal();
        Self {
            verbosity,
            shows_progress,
        }
    }

    /// Reports a step, as a log line.
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

    /// Shows the progress of a search that goes on.
    pub fn progress(&self, effort: &Effort) {
        if self.shows_progress {
            let share = effort.attempts as f64 / effort.difficulty.expected_hashes() * 100.0;
            // `\r` moves to the start of the line, and `\x1b[K` erases the rest of the older text.
            print(&format!(
                "\rsolving {effort}, {share:.0} % of the expected work\x1b[K"
            ));
        }
    }

    /// Erases the progress, because the search has ended.
    pub fn progress_ended(&self) {
        if self.shows_progress {
            print("\r\x1b[K");
        }
    }

    /// Reports a solution.
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

    /// Reports that an attempt failed, and that retry number `retry` of `most` follows after `delay`.
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

/// `20 bits: 1048576 attempts in 0.213 s, 4.92 MH/s`
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

/// Prints `text`. An error of standard error cannot be reported anywhere, and `eprint!` would panic.
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
