//! The protocol of one connection, and the puzzles that it is about. There is no socket, clock or entropy
//! here: bytes and the time come in, replies are returned.

mod mint;
pub mod proxy_header;
mod reply;
mod session;
mod spent;

use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::{Dialect, Difficulty};

use crate::admission::{Price, Pricing};
use crate::time::Moment;
pub use mint::{Mint, Payment};
pub use reply::{Evidence, Reply};
pub use session::{DELIVERY_TIMEOUT, End, Session};

/// What a right stamp buys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Service {
    /// A resource.
    Resource,
    /// A relay, if there is a place for it. Without one no puzzle is sold.
    Relay {
        /// Whether all places for this client are taken.
        is_full: bool,
        /// The share of all places that are free, 0 to 1.
        free_share: f64,
    },
}

/// What a session needs of the server to answer a line.
#[derive(Debug)]
pub struct Sale<'a> {
    /// The rules that hold for every session.
    pub rules: &'a Rules,
    /// What a right stamp buys.
    pub service: Service,
    /// Makes and checks puzzles.
    pub mint: &'a mut Mint,
    /// How difficult puzzles are.
    pub pricing: &'a mut Pricing,
}

impl Sale<'_> {
    /// Returns what a puzzle for `client` costs now.
    fn price(&self, client: ClientAddr, now: Moment) -> Price {
        let free_share = self.service.free_share();
        self.pricing.price(client.ip().into(), free_share, now)
    }

    /// Returns how long a puzzle of `difficulty` for `client` is good.
    fn ttl_of(&self, difficulty: Difficulty, client: ClientAddr, now: Moment) -> Duration {
        let (source, free_share) = (client.ip().into(), self.service.free_share());
        self.pricing
            .ttl_of(difficulty, source, free_share, now, self.rules.ttl)
    }
}

impl Service {
    /// Returns whether nothing can be sold now.
    pub fn is_sold_out(self) -> bool {
        matches!(self, Self::Relay { is_full: true, .. })
    }

    /// Returns the share of what is sold that is free, 0 to 1. Resources never run out.
    pub fn free_share(self) -> f64 {
        match self {
            Self::Resource => 1.0,
            Self::Relay { free_share, .. } => free_share,
        }
    }
}

/// The rules that hold for every session; set by the operator.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The dialect of puzzles.
    pub dialect: Dialect,
    /// How long a new puzzle is good. It bounds how long a silent peer can hold a slot.
    pub ttl: Duration,
    /// How long a connection may take to request its first puzzle or to send a stamp. It stops peers
    /// that connect and send nothing.
    pub handshake_timeout: Duration,
    /// Puzzles that one connection may request. It stops peers that make the server create puzzles
    /// without end.
    pub max_puzzles: u32,
}
