//! What a session is given for one step, and what it gives back: rules, time and random bytes in,
//! answers out.

use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::{Puzzle, RAND_LEN, Stamp, Terms};
use powtcp_common::refusal::Refusal;

use crate::moment::Now;

/// What every session is held to; set by the operator.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Dialect and difficulty of the puzzles.
    pub terms: Terms,
    /// How long a puzzle is good. It bounds how long a silent peer holds a slot.
    pub ttl: Duration,
    /// How long a connection may take to ask for its first puzzle: it stops those who only connect.
    pub handshake_timeout: Duration,
    /// Puzzles that a connection may ask for: it stops those who would have puzzles made for ever.
    pub max_puzzles: u32,
}

/// What a session needs from outside for one step, and where its answers go.
pub struct Turn<'a> {
    /// The time of this step.
    pub now: Now,
    /// The operator's rules.
    pub rules: &'a Rules,
    /// Where random bytes come from and answers go to.
    pub host: &'a mut dyn Host,
}

impl<'a> Turn<'a> {
    /// A step at `now`, under `rules`.
    pub fn new(now: Now, rules: &'a Rules, host: &'a mut dyn Host) -> Self {
        Self { now, rules, host }
    }
}

/// What surrounds a session.
pub trait Host {
    /// Draws random bytes for a puzzle; `None` is a fault of the server's own.
    fn draw(&mut self) -> Option<[u8; RAND_LEN]>;

    /// Takes each answer to `client`, in order.
    fn answer(&mut self, now: Now, client: ClientAddr, reply: Reply<'_>);
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// A puzzle to solve.
    Puzzle(Puzzle),
    /// A resource, for this right stamp, which took its client so long.
    Resource(Stamp<'a>, Duration),
    /// The last word; and the line that led to it, empty where none did.
    Refusal(Refusal, &'a [u8]),
}
