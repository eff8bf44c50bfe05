//! The search for the solution of one puzzle. It runs on threads of its own, so that the client can
//! meanwhile watch the server, lose the connection, and wait for a retry.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use powtcp_common::hashcash::{Challenge, Kernel, Watch, solve};

use crate::config::Config;
use crate::error::ClientError;
use crate::report::Effort;

/// A running search. Dropping it stops its threads.
#[derive(Debug)]
pub struct Search {
    challenge: Arc<Challenge>,
    watch: Arc<Watch>,
    counter: Receiver<Option<u64>>,
    thread: Option<JoinHandle<()>>,
    kernel: Kernel,
    start: Instant,
    /// How long the search may take from `start`.
    limit: Duration,
}

impl Search {
    /// Starts to search for a stamp of `challenge`, with the threads, the kernel and the time that
    /// `config` allows.
    pub fn start(challenge: Challenge, config: &Config) -> Self {
        let (challenge, watch) = (Arc::new(challenge), Arc::new(Watch::new()));
        let (sender, counter) = channel();
        let thread = thread::spawn({
            let (challenge, watch) = (Arc::clone(&challenge), Arc::clone(&watch));
            let (kernel, threads) = (config.kernel, config.threads);
            move || {
                // The receiver is gone if the search was dropped.
                let _ = sender.send(solve(&challenge, kernel, threads, &watch));
            }
        });
        Self {
            challenge,
            watch,
            counter,
            thread: Some(thread),
            kernel: config.kernel,
            start: Instant::now(),
            limit: config.solve_timeout,
        }
    }

    /// Waits for the stamp. Returns `None` if the search is still running after `at_most`.
    ///
    /// # Errors
    /// [`ClientError::Unsolved`] when the time of the search is over.
    pub fn wait(&self, at_most: Duration) -> Result<Option<Vec<u8>>, ClientError> {
        let left = self.limit.saturating_sub(self.start.elapsed());
        match self.counter.recv_timeout(left.min(at_most)) {
            Ok(Some(counter)) => Ok(Some(self.challenge.stamp(counter))),
            Ok(None) | Err(RecvTimeoutError::Disconnected) => Err(ClientError::Unsolved),
            Err(RecvTimeoutError::Timeout) if self.start.elapsed() < self.limit => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(ClientError::Unsolved),
        }
    }

    /// Returns what the search has cost so far.
    pub fn effort(&self) -> Effort {
        Effort {
            difficulty: self.challenge.difficulty(),
            attempts: self.watch.attempts(),
            elapsed: self.start.elapsed(),
            kernel: self.kernel,
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.watch.cancel();
        if let Some(thread) = self.thread.take() {
            // An error is a panic of the solver, which was printed when it happened.
            let _ = thread.join();
        }
    }
}
