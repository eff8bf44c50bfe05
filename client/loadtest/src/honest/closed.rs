//! Handshakes of which a number is in progress at once. Their puzzles are solved on the thread that makes
//! them.

use std::io;
use std::time::{Duration, Instant};

use super::exchange::{First, solved};
use super::results::{Results, Service};
use crate::driver::dial::{Sources, Target};
use crate::driver::{Driver, News};

/// Handshakes in progress, and what has become of the others.
pub(crate) struct ClosedLoop {
    driver: Driver,
    sources: Sources,
    in_progress: usize,
    pub(crate) results: Results,
}

impl ClosedLoop {
    /// Creates a loop without handshakes, for some with `target` that come from `sources` in turn.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn new(target: Target, timeout: Duration, sources: Sources) -> io::Result<Self> {
        Ok(Self {
            driver: Driver::new(target, timeout)?,
            sources,
            in_progress: 0,
            results: Results::default(),
        })
    }

    /// Returns the number of handshakes in progress.
    pub(crate) fn in_progress(&self) -> usize {
        self.in_progress
    }

    /// Begins `count` handshakes.
    ///
    /// # Errors
    /// The poll's.
    pub(crate) fn begin(&mut self, count: usize) -> io::Result<()> {
        for _ in 0..count {
            let source = self.sources.next();
            self.driver
                .open(0, source, Instant::now(), First::Request)?;
            self.in_progress += 1;
        }
        Ok(())
    }

    /// Waits for an answer, at most until `wake`, and goes on with the handshakes that got one. The
    /// latencies include the solving.
    ///
    /// # Errors
    /// The poll's.
    pub(crate) fn turn(&mut self, wake: Option<Instant>) -> io::Result<()> {
        for news in self.driver.turn(wake)? {
            match news {
                News::Puzzle { id, challenge, .. } => {
                    self.results.add_puzzle(challenge.difficulty());
                    self.driver.pay(id, &solved(&challenge), Duration::ZERO);
                    continue;
                }
                News::Served { latency, .. } => self.results.succeed(Service {
                    latency,
                    wait: latency,
                    reconnections: 0,
                }),
                News::Failed { failure, .. } => self.results.fail(failure.kind),
            }
            self.in_progress -= 1;
        }
        Ok(())
    }
}
