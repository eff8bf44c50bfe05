//! What a payment tells while it is made.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::hashcash::Kernel;

use crate::error::PayError;
use crate::estimate::Estimate;

/// A step of a payment, for [`Payer::on_progress`](crate::Payer::on_progress).
///
/// Bytes of the server are as they were sent: escape them before you show them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A connection is open.
    Connected {
        /// The server, as it was given; its address if the connection was given.
        server: &'a str,
        /// The address of the other side.
        address: SocketAddr,
    },
    /// The server sent a puzzle, which is not checked yet.
    PuzzleReceived(&'a [u8]),
    /// Another payment solves, and this one waits for its turn. Comes about ten times a second, only after
    /// [`Payer::solve_in_turn`](crate::Payer::solve_in_turn).
    Queued,
    /// It is known how long solving will take. Comes once for each puzzle that is not solved before
    /// the rate is measured.
    Estimated(Estimate),
    /// The search continues. Comes about ten times a second.
    Solving(Effort),
    /// A solution was found.
    Solved(Effort),
    /// This stamp was sent to the server.
    StampSent(&'a [u8]),
    /// The server sent the resource, which has this many bytes.
    ResourceReceived(usize),
    /// A try failed, and another one follows.
    Retrying {
        /// Why the try failed.
        error: &'a PayError,
        /// The number of the retry, from 1 on.
        retry: u32,
        /// How many retries there are at most.
        most: u32,
        /// How long until the retry. It comes later if there is still a puzzle to solve.
        delay: Duration,
    },
}

/// What a search for a solution has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The difficulty of the puzzle in bits. A solution takes 2^bits attempts on average.
    pub bits: u8,
    /// Hashes computed.
    pub attempts: u64,
    /// Time since the start of the search.
    pub elapsed: Duration,
    /// The instructions that compute the hashes.
    pub kernel: Kernel,
}

impl Effort {
    /// Returns the hashes computed a second; 0 if no time has passed.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            self.attempts as f64 / seconds
        } else {
            0.0
        }
    }

    /// Returns which part of the expected work is done. More than 1 is not unusual.
    pub fn share(&self) -> f64 {
        self.attempts as f64 / f64::from(self.bits).exp2()
    }
}

/// Writes `20 bits: 1048576 attempts in 0.213 s, 4.92 MH/s`.
impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bits, attempts) = (self.bits, self.attempts);
        let (seconds, rate) = (self.elapsed.as_secs_f64(), self.rate() / 1e6);
        write!(
            f,
            "{bits} bits: {attempts} attempts in {seconds:.3} s, {rate:.2} MH/s"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_shows_bits_attempts_seconds_and_rate() {
        let effort = Effort {
            bits: 20,
            attempts: 1 << 20,
            elapsed: Duration::from_millis(250),
            kernel: Kernel::Portable,
        };
        let text = "20 bits: 1048576 attempts in 0.250 s, 4.19 MH/s";
        assert_eq!(effort.to_string(), text);
        assert!((effort.share() - 1.0).abs() < 1e-9);
        let effort = Effort {
            elapsed: Duration::ZERO,
            ..effort
        };
        let text = "20 bits: 1048576 attempts in 0.000 s, 0.00 MH/s";
        assert_eq!(effort.to_string(), text);
    }
}
