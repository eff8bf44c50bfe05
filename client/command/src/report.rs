//! What the command tells on standard error while it pays.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use powtcp_client::{Effort, Estimate, Progress};
use powtcp_common::log_line::{Format, Level, Value, write_line};

use crate::complaint::complaint;
use crate::config::PROGRAM;
use crate::progress_line::ProgressLine;

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

/// Reports the steps of a payment.
#[derive(Debug)]
pub struct Reporter {
    verbosity: Verbosity,
    /// The line of progress, if standard error is a terminal.
    line: Mutex<Option<ProgressLine>>,
}

impl Reporter {
    /// Creates a reporter on standard error. It shows progress only if that is a terminal.
    pub fn new(verbosity: Verbosity) -> Self {
        let shows_progress = verbosity == Verbosity::Normal && io::stderr().is_terminal();
        let line = shows_progress.then(ProgressLine::from_environment);
        Self {
            verbosity,
            line: Mutex::new(line),
        }
    }

    /// Reports a step.
    pub fn tell(&self, progress: &Progress<'_>) {
        match self.verbosity {
            Verbosity::Quiet => {}
            Verbosity::Normal => self.show(progress),
            Verbosity::Verbose => log(progress),
        }
    }

    /// Tells a line, unless only errors are told.
    pub fn note(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.print(&format!("{text}\n"));
        }
    }

    /// Tells an error that does not end the command.
    pub fn complain(&self, text: &str) {
        self.print(&format!("{}: {text}\n", PROGRAM.name));
    }

    /// Erases the line of progress, if there is one.
    pub fn end_progress(&self) {
        if self.lock().as_ref().is_some_and(ProgressLine::is_shown) {
            self.erase_line();
        }
    }

    /// Erases the line of the cursor, where a terminal shows `^C` although there is no progress.
    pub fn erase_line(&self) {
        self.print("");
    }

    fn show(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Solving(effort) => {
                if let Some(line) = &mut *self.lock() {
                    write(&line.show(effort));
                }
            }
            Progress::Solved(effort) => {
                self.print(&format!("solved {effort}, {}\n", effort.kernel));
            }
            Progress::Estimated(estimate) if !estimate.is_in_time() => {
                self.print(&format!("{}\n", warning(estimate)));
            }
            Progress::Retrying {
                error,
                retry,
                most,
                delay,
            } => {
                let (error, seconds) = (complaint(error), delay.as_secs_f64());
                let text = format!("{error}; retry {retry} of {most} in {seconds:.3} s\n");
                self.print(&text);
            }
            _ => {}
        }
    }

    /// Prints `text` in place of the line of progress.
    fn print(&self, text: &str) {
        let mut line = self.lock();
        let erased = line.as_mut().map(ProgressLine::erase).unwrap_or_default();
        write(&(erased + text));
    }

    fn lock(&self) -> MutexGuard<'_, Option<ProgressLine>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the warning about a puzzle that is too hard for the time allowed.
fn warning(estimate: &Estimate) -> String {
    let chance = estimate.chance() * 100.0;
    format!("{estimate}: the chance of a solution in time is {chance:.0} %")
}

/// Logs a step.
fn log(progress: &Progress<'_>) {
    match progress {
        Progress::Connected { server, .. } => {
            log_line("connected", &[("server", Value::Text(server))]);
        }
        Progress::PuzzleReceived(puzzle) => {
            log_line("puzzle received", &[("puzzle", Value::Peer(puzzle))]);
        }
        Progress::Estimated(estimate) if !estimate.is_in_time() => {
            let reason = warning(estimate);
            log_line(
                "solution is not expected in time",
                &[("reason", Value::Text(&reason))],
            );
        }
        Progress::Solved(effort) => log_solved(effort),
        Progress::StampSent(stamp) => log_line("stamp sent", &[("stamp", Value::Peer(stamp))]),
        Progress::ResourceReceived(len) => {
            log_line(
                "resource received",
                &[("bytes", Value::Number(*len as u64))],
            );
        }
        Progress::Retrying {
            error,
            retry,
            delay,
            ..
        } => {
            let error = complaint(error);
            let fields = [
                ("error", Value::Text(&error)),
                ("retry", Value::Number((*retry).into())),
                ("in_ms", Value::Number(delay.as_millis() as u64)),
            ];
            log_line("trying again", &fields);
        }
        _ => {}
    }
}

fn log_solved(effort: &Effort) {
    let kernel = effort.kernel.to_string();
    let fields = [
        ("kernel", Value::Text(&kernel)),
        ("attempts", Value::Number(effort.attempts)),
        ("took_ms", Value::Number(effort.elapsed.as_millis() as u64)),
    ];
    log_line("puzzle solved", &fields);
}

fn log_line(message: &str, fields: &[(&str, Value<'_>)]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut line = String::new();
    let (format, level) = (Format::Text, Level::Info);
    write_line(
        &mut line,
        format,
        now.unwrap_or_default(),
        level,
        message,
        fields,
    );
    write(&line);
}

/// Writes to standard error. Ignores errors: there is no other place to report them, and `eprint!`
/// would panic.
fn write(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
