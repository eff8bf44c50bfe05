//! The search for the solution of one puzzle. It runs on threads of its own, so that the client can
//! meanwhile watch the server, lose the connection, and wait for a retry.

use std::cell::{Cell, RefCell};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use powtcp_common::hashcash::{Challenge, Kernel, Watch, solve};

use crate::error::PayError;
use crate::estimate::Estimate;
use crate::progress::Effort;
use crate::turn::Turn;

/// How long the rate is measured: long enough for each thread to have counted some hashes. The
/// measurement is the start of the search, so it costs nothing.
const MEASUREMENT: Duration = Duration::from_millis(200);

/// How a search is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means {
    /// Threads to solve with.
    pub(crate) threads: NonZero<usize>,
    /// Instructions to solve with.
    pub(crate) kernel: Kernel,
    /// How long the search may take.
    pub(crate) allowed: Duration,
}

/// A running search. Dropping it stops its threads.
#[derive(Debug)]
pub(crate) struct Search {
    challenge: Arc<Challenge>,
    means: Means,
    work: Work,
    start: Instant,
    has_estimate: Cell<bool>,
    /// Ends with the search, after its threads.
    _turn: Option<Turn>,
}

/// Where the hashes are computed.
#[derive(Debug)]
enum Work {
    /// On other threads.
    Threads {
        watch: Arc<Watch>,
        counter: Receiver<Option<u64>>,
        /// Taken when it is joined.
        thread: RefCell<Option<JoinHandle<()>>>,
    },
    /// On the calling thread while it waits, because the system starts no other one. The cell has
    /// the next counter.
    Here(Cell<u64>),
}

impl Search {
    /// Starts to search for a stamp of `challenge`, and keeps `turn` until the end.
    pub(crate) fn start(challenge: Challenge, means: Means, turn: Option<Turn>) -> Self {
        let challenge = Arc::new(challenge);
        Self {
            work: Work::on_threads(&challenge, means).unwrap_or(Work::Here(Cell::new(0))),
            challenge,
            means,
            start: Instant::now(),
            has_estimate: Cell::new(false),
            _turn: turn,
        }
    }

    /// Waits for the stamp. Returns `None` if the search is still running after `at_most`.
    ///
    /// # Errors
    /// [`PayError::Unsolved`] when the time of the search is over.
    ///
    /// # Panics
    /// The solver has panicked: its panic continues here.
    pub(crate) fn wait(&self, at_most: Duration) -> Result<Option<Vec<u8>>, PayError> {
        let allowed = self.means.allowed;
        let left = allowed.saturating_sub(self.start.elapsed());
        let found = match &self.work {
            Work::Threads {
                counter, thread, ..
            } => match counter.recv_timeout(left.min(at_most)) {
                Ok(found) => found,
                Err(RecvTimeoutError::Timeout) if self.start.elapsed() < allowed => {
                    return Ok(None);
                }
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => resume_panic(thread.take()),
            },
            Work::Here(next) => {
                let found = self.search_here(next, Instant::now() + left.min(at_most));
                if found.is_none() && self.start.elapsed() < allowed {
                    return Ok(None);
                }
                found
            }
        };
        match found {
            Some(counter) => Ok(Some(self.challenge.stamp(counter))),
            None => Err(PayError::Unsolved { allowed }),
        }
    }

    /// Tries counters until `end`.
    fn search_here(&self, next: &Cell<u64>, end: Instant) -> Option<u64> {
        /// The counters between two looks at the clock: well below a millisecond of work.
        const SLICE: u64 = 256;
        loop {
            let first = next.get();
            let mut slice = first..first + SLICE;
            let found = slice.find(|&counter| self.challenge.is_solved_by(counter));
            next.set(slice.start);
            if found.is_some() || Instant::now() >= end {
                return found;
            }
        }
    }

    /// Returns what the search has cost so far.
    pub(crate) fn effort(&self) -> Effort {
        Effort {
            bits: self.challenge.difficulty().bits(),
            attempts: match &self.work {
                Work::Threads { watch, .. } => watch.attempts(),
                Work::Here(next) => next.get(),
            },
            elapsed: self.start.elapsed(),
            kernel: match self.work {
                Work::Threads { .. } => self.means.kernel,
                Work::Here(_) => Kernel::Portable,
            },
        }
    }

    /// Returns how long the search is expected to take: once, when the rate has been measured.
    pub(crate) fn new_estimate(&self) -> Option<Estimate> {
        let effort = self.effort();
        let is_measured = effort.elapsed >= MEASUREMENT && effort.attempts > 0;
        if !is_measured || self.has_estimate.replace(true) {
            return None;
        }
        let rate = effort.rate();
        Some(Estimate::new(effort.bits, rate, self.means.allowed))
    }
}

impl Work {
    /// Starts the search on threads of its own. Returns `None` if the system starts none.
    fn on_threads(challenge: &Arc<Challenge>, means: Means) -> Option<Self> {
        let watch = Arc::new(Watch::new());
        let (sender, counter) = channel();
        let run = {
            let (challenge, watch) = (Arc::clone(challenge), Arc::clone(&watch));
            let Means {
                threads, kernel, ..
            } = means;
            move || {
                // The receiver is gone if the search was dropped.
                let _ = sender.send(solve(&challenge, kernel, threads, &watch));
            }
        };
        let thread = thread::Builder::new().spawn(run).ok()?;
        Some(Self::Threads {
            watch,
            counter,
            thread: RefCell::new(Some(thread)),
        })
    }
}

/// Passes on the panic of a search that ended without a result.
fn resume_panic<T>(thread: Option<JoinHandle<()>>) -> Option<T> {
    if let Some(Err(panic)) = thread.map(JoinHandle::join) {
        resume_unwind(panic);
    }
    None
}

impl Drop for Search {
    fn drop(&mut self) {
        if let Work::Threads { watch, thread, .. } = &mut self.work {
            watch.cancel();
            // The panic of a solver whose result is not needed has been printed.
            let _ = thread.take().map(JoinHandle::join);
        }
    }
}

#[cfg(test)]
mod tests;
