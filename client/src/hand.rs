//! What a client holds during a payment: nothing, then a puzzle, then its stamp. It outlives the
//! connection that the puzzle came on.

use std::net::SocketAddr;

use crate::search::Search;

/// What the client holds. A puzzle and a stamp come with the address that issued the puzzle, because
/// the server behind another address of the same name need not know the puzzle.
#[derive(Debug)]
pub(crate) enum Hand {
    /// Nothing: the client has to request a puzzle.
    Nothing,
    /// A puzzle that is being solved.
    Puzzle(Search, SocketAddr),
    /// A stamp that no server has accepted yet.
    Stamp {
        text: Vec<u8>,
        issuer: SocketAddr,
        /// Whether the connection that the puzzle came on has ended.
        is_kept: bool,
    },
}

/// What a client holds, without its content. The decision about a retry depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Nothing,
    /// A puzzle that is being solved.
    Puzzle,
    /// The stamp of a puzzle that came on the same connection.
    Stamp,
    /// The stamp of a puzzle that came on an earlier connection.
    KeptStamp,
}

impl Hand {
    /// Returns the state of the hand.
    pub(crate) fn held(&self) -> Held {
        match self {
            Self::Nothing => Held::Nothing,
            Self::Puzzle(..) => Held::Puzzle,
            Self::Stamp { is_kept: false, .. } => Held::Stamp,
            Self::Stamp { is_kept: true, .. } => Held::KeptStamp,
        }
    }

    /// Returns the address that issued the puzzle.
    pub(crate) fn issuer(&self) -> Option<SocketAddr> {
        match self {
            Self::Nothing => None,
            Self::Puzzle(_, issuer) | Self::Stamp { issuer, .. } => Some(*issuer),
        }
    }
}
