//! Ends the program on SIGINT and SIGTERM.
//!
//! Without this, the first process of a container would not end at all, because the kernel does
//! not apply the default of a signal to it (pid_namespaces(7)), and Ctrl-C would leave half a line of
//! progress behind.

use std::fs;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::report::Reporter;

/// Watches for the two signals on a thread of its own. Where it cannot be started, the system's default
/// applies.
pub fn watch(reporter: &Arc<Reporter>) {
    let reporter = Arc::clone(reporter);
    let (ready, started) = channel();
    if thread::Builder::new()
        .spawn(move || wait(&reporter, &ready))
        .is_ok()
    {
        // An error means that the thread has ended without watching.
        let _ = started.recv();
    }
}

fn wait(reporter: &Reporter, ready: &Sender<()>) {
    let ignored = ignored_signals();
    // A shell lets a background job ignore Ctrl-C, and a signal that is ignored stays so.
    let watched = [SIGINT, SIGTERM]
        .into_iter()
        .filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let Ok(mut signals) = Signals::new(watched) else {
        return;
    };
    let _ = ready.send(());
    if let Some(signal) = signals.forever().next() {
        reporter.end();
        die_of(signal);
    }
}

/// Ends the process as the default of `signal` does, so that a shell sees the cause. The first process of
/// a container ends with the exit status by which a shell names a signal.
fn die_of(signal: i32) {
    if process::id() != 1 {
        // It returns only if it fails.
        let _ = emulate_default_handler(signal);
    }
    process::exit(128 + signal);
}

/// Returns the signals that this process ignores, one bit for each (proc(5)); none where the system
/// does not tell.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
