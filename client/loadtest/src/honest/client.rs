//! One honest client of a schedule: what it holds, and what it does next.
//!
//! ```text
//! connect -> ask -> puzzle -> solve -> pay -> served
//!    ^                          |       |
//!    `---- lost, with a stamp --+-------'
//! ```

use std::mem;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::driver::Id;

/// An honest client that is not served yet.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its address. No other client that is not served yet has it: each is alone at its source.
    pub(crate) source: Ipv4Addr,
    /// How long it waits before each of its messages, as a client far away would.
    pub(crate) distance: Duration,
    /// When it was to start.
    pub(crate) due: Instant,
    /// The time from which its latency and its timeout count: the moment it was due, moved on by what it
    /// needed itself, for solving and for its distance.
    pub(crate) started: Instant,
    /// Its connection, if it has one.
    pub(crate) connection: Option<Id>,
    pub(crate) proof: Proof,
    /// What it does next by itself, and when.
    pub(crate) next: Option<(Instant, Step)>,
    /// The connections after its first.
    pub(crate) reconnections: u32,
}

/// How far a client has come with its payment.
#[derive(Debug)]
pub(crate) enum Proof {
    /// It has no puzzle.
    None,
    /// It solves the puzzle that it got at this time.
    Solving(Instant),
    /// It has solved the puzzle that it got at this time, and has not sent the stamp.
    Solved(Instant, Vec<u8>),
    /// It has sent the stamp, which is presented again if the connection is lost.
    Sent(Vec<u8>),
}

/// What a client does after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It sends the first message of its connection.
    Begin,
    /// It sends the stamp.
    Pay,
    /// It connects again, with its stamp.
    Reconnect,
}

impl Client {
    /// Creates a client that is due at `due`.
    pub(crate) fn new(source: Ipv4Addr, distance: Duration, due: Instant) -> Self {
        Self {
            source,
            distance,
            due,
            started: due,
            connection: None,
            proof: Proof::None,
            next: None,
            reconnections: 0,
        }
    }

    /// Returns the stamp for a connection that begins with it.
    pub(crate) fn stamp(&self) -> Option<Vec<u8>> {
        match &self.proof {
            Proof::Solved(_, stamp) | Proof::Sent(stamp) => Some(stamp.clone()),
            Proof::None | Proof::Solving(_) => None,
        }
    }

    /// Notes that the stamp is sent at `now`, and returns the time since the puzzle arrived. That time is
    /// the client's own.
    pub(crate) fn stamp_is_sent(&mut self, now: Instant) -> Duration {
        let mut own = Duration::ZERO;
        self.proof = match mem::replace(&mut self.proof, Proof::None) {
            Proof::Solved(received, stamp) => {
                own = now.saturating_duration_since(received);
                Proof::Sent(stamp)
            }
            other => other,
        };
        self.started += own;
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_time_counts_from_when_it_was_due_without_what_it_needed_itself() {
        let due = Instant::now() - Duration::from_secs(9);
        let mut client = Client::new(Ipv4Addr::LOCALHOST, Duration::ZERO, due);
        assert_eq!(client.started, due);
        let [received, sent] = [1, 4].map(|seconds| due + Duration::from_secs(seconds));
        client.proof = Proof::Solved(received, b"stamp".to_vec());
        for own in [3, 0] {
            assert_eq!(client.stamp_is_sent(sent), Duration::from_secs(own));
            assert_eq!(client.started, due + Duration::from_secs(3));
            assert_eq!(client.stamp().unwrap(), b"stamp");
        }
    }
}
