//! What a session answers.

use std::borrow::Cow;
use std::time::Duration;

use powtcp_common::hashcash::Puzzle;
use powtcp_common::refusal::Refusal;

/// One answer of a session, to be sent to its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<'a> {
    /// A puzzle to solve.
    Puzzle(Puzzle),
    /// A resource, in exchange for a right stamp.
    Resource {
        /// The time from the puzzle to its stamp.
        solved_in: Duration,
    },
    /// An error, the last answer of its session.
    Refusal {
        /// The reason, as the client is told.
        why: Refusal,
        /// The line that caused it, as evidence for the log; empty where no line did.
        line: Cow<'a, [u8]>,
    },
}
