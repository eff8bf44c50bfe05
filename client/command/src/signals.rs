//! Ends the program on SIGINT and SIGTERM.
//!
//! Without this, the first process of a container would not end at all, because the kernel does
//! not apply the default of a signal to it (pid_namespaces(7)), and Ctrl-C would leave half a line of
//! progress behind.

use std::fs;
use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use powtcp_client::Cancel;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// The signals that were received. They need no thread, which the system may refuse.
#[derive(Debug, Default)]
pub struct Signals {
    /// Whether there was a signal. The next one ends the program in its handler.
    any: Arc<AtomicBool>,
    /// The number of the last one; 0 for none.
    last: Arc<AtomicUsize>,
}

impl Signals {
    /// Watches for the two signals. Where that is not possible, the system's default applies.
    pub fn watch() -> Self {
        let signals = Self::default();
        for signal in heeded() {
            // Only signals that cannot be handled are an error, and these two can.
            let _ = signals.register(signal);
        }
        signals
    }

    /// Lets each of the two signals end the process at once with status 0, for a program that runs until
    /// it is told to end.
    pub fn end_in_order() {
        for signal in heeded() {
            let always = Arc::new(AtomicBool::new(true));
            // Only signals that cannot be handled are an error, and these two can.
            let _ = flag::register_conditional_shutdown(signal, 0, always);
        }
    }

    /// Returns a handle that the first signal cancels.
    pub fn cancel(&self) -> Cancel {
        Cancel::from(Arc::clone(&self.any))
    }

    /// Calls `finish` and ends the process if there was a signal. A signal that comes later ends it at
    /// once, for example while it prints into a pipe that takes nothing.
    pub fn end_if_received(&self, finish: impl FnOnce()) {
        self.any.store(true, SeqCst);
        let signal = self.last.load(SeqCst) as i32;
        if signal == 0 {
            return;
        }
        finish();
        if !is_first_process() {
            // A shell sees that the signal was the cause. It returns only if it fails.
            let _ = emulate_default_handler(signal);
        }
        process::exit(status_of(signal));
    }

    /// Registers what a signal does, in the order in which it is done.
    fn register(&self, signal: i32) -> io::Result<()> {
        let any = || Arc::clone(&self.any);
        if is_first_process() {
            flag::register_conditional_shutdown(signal, status_of(signal), any())?;
        } else {
            flag::register_conditional_default(signal, any())?;
        }
        flag::register_usize(signal, Arc::clone(&self.last), signal as usize)?;
        flag::register(signal, any())?;
        Ok(())
    }
}

/// Returns those of the two signals that this process does not ignore. A shell lets a background job
/// ignore Ctrl-C, and a signal that is ignored stays so.
fn heeded() -> impl Iterator<Item = i32> {
    let ignored = ignored_signals();
    let is_heeded = move |signal: &i32| ignored >> (signal - 1) & 1 == 0;
    [SIGINT, SIGTERM].into_iter().filter(is_heeded)
}

fn is_first_process() -> bool {
    process::id() == 1
}

/// Returns the exit status by which a shell names a signal.
fn status_of(signal: i32) -> i32 {
    128 + signal
}

/// Returns the signals that this process ignores, one bit for each (proc(5)); none where the system
/// does not tell.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
