//! Threads that solve the puzzles of honest clients: solving on the event loop would delay the other
//! clients.

use std::num::NonZero;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use mio::Waker;
use powtcp_common::hashcash::Challenge;

use super::exchange::solved;

/// A thread for each processor. The threads end after this value is dropped.
pub(crate) struct Solvers {
    puzzles: Sender<(u64, Challenge)>,
    stamps: Receiver<(u64, Vec<u8>)>,
}

impl Solvers {
    /// Starts the threads. `waker` wakes the loop that takes the stamps.
    pub(crate) fn start(waker: Waker) -> Self {
        let (puzzles, queue) = mpsc::channel::<(u64, Challenge)>();
        let (solutions, stamps) = mpsc::channel();
        let (queue, waker) = (Arc::new(Mutex::new(queue)), Arc::new(waker));
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..threads {
            let (queue, waker, solutions) = (queue.clone(), waker.clone(), solutions.clone());
            thread::spawn(move || {
                // The lock is held while this thread waits, and not while it solves.
                let next = || queue.lock().ok()?.recv().ok();
                while let Some((client, challenge)) = next() {
                    if solutions.send((client, solved(&challenge))).is_err() {
                        return;
                    }
                    // This fails only if the loop has ended with an error.
                    let _ = waker.wake();
                }
            });
        }
        Self { puzzles, stamps }
    }

    /// Queues the puzzle of `client`.
    pub(crate) fn solve(&self, client: u64, challenge: Challenge) {
        // The threads live as long as this value.
        let _ = self.puzzles.send((client, challenge));
    }

    /// Returns the stamps that were found since the last call, each with its client.
    pub(crate) fn stamps(&self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.stamps.try_iter()
    }
}
