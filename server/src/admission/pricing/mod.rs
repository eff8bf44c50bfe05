//! What a puzzle costs. Under load the price rises for all sources, and most for those that are served
//! most often; without load it is the least difficulty.
//!
//! ```text
//! stamps served --> proven work a second --> level ------+
//!       |                                                +--> price, at most the greatest difficulty
//!       +--------> count-min sketch --> surcharge -------+
//! ```
//!
//! Everything decays, but there are no timers: decay is computed when a price is asked for.

mod adaptive;
mod ageing;
mod elapsed;
mod level;
mod sketch;
mod surcharge;

use std::ops::RangeInclusive;
use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};

pub use adaptive::Adaptive;
pub use ageing::aged_ttl;

use super::Source;
use crate::time::Moment;

/// The length of the key under which sources are counted.
pub const PRICING_KEY_LEN: usize = 32;

/// How difficult the next puzzle of a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// The difficulty of the puzzle.
    pub difficulty: Difficulty,
    /// The difficulty that the puzzle would have without a surcharge for its source. It stands in RAND.
    pub level: Difficulty,
}

/// The rule by which puzzles get their difficulty.
#[derive(Debug)]
pub enum Pricing {
    /// All puzzles are equally difficult. Nothing is counted.
    Fixed(Difficulty),
    /// The difficulty follows the load.
    Adaptive(Box<Adaptive>),
}

impl Pricing {
    /// Creates the pricing of a server that has served nothing yet. `target_rate` is in clients a second,
    /// `key` must be secret. A range of one difficulty, or an empty one, gives its start as the fixed price.
    /// In the powtcp dialect both ends of `range` must be multiples of 4 bits.
    pub fn new(
        range: RangeInclusive<Difficulty>,
        target_rate: u32,
        dialect: Dialect,
        key: [u8; PRICING_KEY_LEN],
    ) -> Self {
        if range.start() < range.end() {
            Self::Adaptive(Box::new(Adaptive::new(range, target_rate, dialect, key)))
        } else {
            Self::Fixed(*range.start())
        }
    }

    /// Returns what a puzzle for `source` costs now. Asking changes no price. `free_share` is the share of
    /// relays that are still free, 0 to 1; it is 1 if there is no gate.
    pub fn price(&self, source: Source, free_share: f64, now: Moment) -> Price {
        match self {
            Self::Fixed(difficulty) => Price {
                difficulty: *difficulty,
                level: *difficulty,
            },
            Self::Adaptive(adaptive) => adaptive.price(source, free_share, now),
        }
    }

    /// Counts a stamp that was served to `source`. `level` is the one that stands in its RAND, also if
    /// another instance with the same secret made the puzzle.
    pub fn served(&mut self, source: Source, level: Difficulty, free_share: f64, now: Moment) {
        if let Self::Adaptive(adaptive) = self {
            adaptive.served(source, level, free_share, now);
        }
    }

    /// Returns how long a puzzle of `difficulty` is good, of the configured `ttl`: less if `source` would
    /// be asked for more now. Never depends on the load under a fixed price.
    pub fn ttl_of(
        &self,
        difficulty: Difficulty,
        source: Source,
        free_share: f64,
        now: Moment,
        ttl: Duration,
    ) -> Duration {
        match self {
            Self::Fixed(_) => ttl,
            Self::Adaptive(adaptive) => {
                let asked_now = adaptive.price(source, free_share, now).difficulty;
                aged_ttl(difficulty, asked_now, ttl)
            }
        }
    }

    /// Returns what a puzzle costs now without a surcharge.
    pub fn level(&self, free_share: f64, now: Moment) -> Difficulty {
        match self {
            Self::Fixed(difficulty) => *difficulty,
            Self::Adaptive(adaptive) => adaptive.level(free_share, now),
        }
    }

    /// Returns the difficulty that no price exceeds.
    pub fn greatest(&self) -> Difficulty {
        match self {
            Self::Fixed(difficulty) => *difficulty,
            Self::Adaptive(adaptive) => adaptive.greatest,
        }
    }

    /// Returns the work that served stamps have proven lately, in hashes a second; `None` under a fixed
    /// price, which counts nothing.
    pub fn proven_work(&self, now: Moment) -> Option<f64> {
        match self {
            Self::Fixed(_) => None,
            Self::Adaptive(adaptive) => Some(adaptive.proven_work(now)),
        }
    }
}
