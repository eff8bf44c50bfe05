//! The protocol of one connection, and the puzzles that it is about. There is no socket, clock or entropy
//! here: bytes and the time come in, replies are returned.

mod mint;
pub mod proxy_header;
mod reply;
mod session;
mod spent;

use std::time::Duration;

use powtcp_common::hashcash::Terms;

pub use mint::{Mint, Payment};
pub use reply::{Evidence, Reply};
pub use session::{DELIVERY_TIMEOUT, End, Session};

/// What a right stamp buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A resource.
    Resource,
    /// A relay, if there is a place for it. Without one no puzzle is sold.
    Relay {
        /// Whether all places for this client are taken.
        is_full: bool,
    },
}

/// The rules that hold for every session; set by the operator.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Dialect and difficulty of new puzzles.
    pub terms: Terms,
    /// How long a new puzzle is good. It bounds how long a silent peer can hold a slot.
    pub ttl: Duration,
    /// How long a connection may take to request its first puzzle or to send a stamp. It stops peers
    /// that connect and send nothing.
    pub handshake_timeout: Duration,
    /// Puzzles that one connection may request. It stops peers that make the server create puzzles
    /// without end.
    pub max_puzzles: u32,
}
