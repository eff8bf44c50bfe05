//! What a session answers.

use std::borrow::Cow;

use powtcp_common::hashcash::Puzzle;
use powtcp_common::refusal::Refusal;

use super::Payment;
use super::proxy_header::Malformed;
use crate::admission::Price;

/// One answer of a session, to be sent to its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<'a> {
    /// A puzzle to solve, and what it costs.
    Puzzle(Puzzle, Price),
    /// Nothing yet: the client has paid, and is relayed to the service behind the gate.
    Paid(Payment),
    /// Nothing at all: no good PROXY protocol header came, and the connection is closed.
    BadHeader(Malformed),
    /// A resource, in exchange for a right stamp.
    Resource(Payment),
    /// An error, the last answer of its session.
    Refusal {
        /// The reason, as the client is told.
        why: Refusal,
        /// What the client had sent, for the log.
        evidence: Evidence<'a>,
    },
}

/// What a client had sent when it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence<'a> {
    /// The line that caused the refusal.
    Line(Cow<'a, [u8]>),
    /// The start of a line that was not complete, often empty. It did not cause the refusal.
    Partial(Box<[u8]>),
}

impl Evidence<'_> {
    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Line(line) => line,
            Self::Partial(start) => start,
        }
    }
}
