//! The server, as far as prices go: it sells puzzles and takes stamps. Clients see nothing else of it.

use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_server::admission::{Price, Pricing, Source};
use powtcp_server::time::Moment;

/// How long a puzzle is good.
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// How a server is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// The least and the greatest difficulty, in bits.
    pub(crate) bits: (u32, u32),
    pub(crate) target_rate: u32,
    pub(crate) dialect: Dialect,
    /// Whether puzzles that have become too cheap age faster.
    pub(crate) ages: bool,
    /// Relays that the server can hold, if it is a gate. No relay ends.
    pub(crate) relays: Option<u32>,
    /// Honest clients that come in a second.
    pub(crate) arrivals: f64,
}

/// A server that serves 50 clients a second at 18 bits.
pub(crate) const USUAL: Setup = Setup {
    bits: (18, 40),
    target_rate: 50,
    dialect: Dialect::Hashcash,
    ages: true,
    relays: None,
    arrivals: 5.0,
};

/// A puzzle, as its client sees it.
#[derive(Clone, Copy)]
pub(crate) struct Puzzle {
    pub(crate) source: Source,
    pub(crate) price: Price,
    pub(crate) asked: Moment,
    /// What the clock of the server shows when it makes the puzzle.
    issued: Moment,
}

pub(crate) struct Server {
    setup: Setup,
    pricing: Pricing,
    served: u32,
    /// How far the clock of the server is ahead of the world's. It may change at any time.
    pub(crate) ahead: Duration,
}

impl Server {
    pub(crate) fn new(setup: Setup, key: u64) -> Self {
        let [least, greatest] = [setup.bits.0, setup.bits.1].map(difficulty);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&key.to_be_bytes());
        Self {
            setup,
            pricing: Pricing::new(least..=greatest, setup.target_rate, setup.dialect, bytes),
            served: 0,
            ahead: Duration::ZERO,
        }
    }

    pub(crate) fn setup(&self) -> Setup {
        self.setup
    }

    /// Makes a puzzle.
    pub(crate) fn ask(&self, source: Source, now: Moment) -> Puzzle {
        let issued = now.after(self.ahead);
        Puzzle {
            source,
            price: self.pricing.price(source, self.free_share(), issued),
            asked: now,
            issued,
        }
    }

    /// Returns whether all relays are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.setup.relays.is_some_and(|max| self.served >= max)
    }

    /// Takes a stamp of `puzzle`, which is solved. Returns whether its client is served.
    pub(crate) fn present(&mut self, puzzle: &Puzzle, now: Moment) -> bool {
        let now = now.after(self.ahead);
        let free_share = self.free_share();
        let ttl = if self.setup.ages {
            let paid = puzzle.price.difficulty;
            self.pricing
                .ttl_of(paid, puzzle.source, free_share, now, TTL)
        } else {
            TTL
        };
        let is_in_time = now.since(puzzle.issued) < ttl;
        let is_served = is_in_time && !self.is_full();
        if is_served {
            self.served += 1;
            let level = puzzle.price.level;
            self.pricing.served(puzzle.source, level, free_share, now);
        }
        is_served
    }

    /// Returns the level in bits.
    pub(crate) fn level(&self, now: Moment) -> u8 {
        let now = now.after(self.ahead);
        self.pricing.level(self.free_share(), now).bits()
    }

    pub(crate) fn free_share(&self) -> f64 {
        let relays = self.setup.relays;
        relays.map_or(1.0, |max| 1.0 - f64::from(self.served) / f64::from(max))
    }
}

pub(crate) fn difficulty(bits: u32) -> Difficulty {
    Difficulty::from_bits(bits).expect("fewer bits than SHA-1 has")
}
