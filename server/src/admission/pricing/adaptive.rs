//! The price that follows the load.

use std::ops::RangeInclusive;

use powtcp_common::hashcash::{Dialect, Difficulty};

use super::elapsed::Elapsed;
use super::level::{ProvenWork, level_bits};
use super::surcharge::Surcharges;
use super::{PRICING_KEY_LEN, Price};
use crate::admission::Source;
use crate::time::Moment;

/// The smallest share of the target rate that is left when relays fill. Without it the last free relays
/// would have no price that a client can pay.
const LEAST_SHARE: f64 = 1.0 / 16.0;

/// A price between two difficulties that follows the load.
#[derive(Debug)]
pub struct Adaptive {
    least: Difficulty,
    pub(super) greatest: Difficulty,
    /// Prices are multiples of this many bits.
    unit: u32,
    /// Clients served a second above which the level rises.
    target_rate: f64,
    elapsed: Elapsed,
    work: ProvenWork,
    surcharges: Surcharges,
}

impl Adaptive {
    pub(super) fn new(
        range: RangeInclusive<Difficulty>,
        target_rate: u32,
        dialect: Dialect,
        key: [u8; PRICING_KEY_LEN],
    ) -> Self {
        let (least, greatest) = range.into_inner();
        Self {
            least,
            greatest,
            unit: dialect.bits_per_unit().into(),
            target_rate: target_rate.into(),
            elapsed: Elapsed::new(),
            work: ProvenWork::new(),
            surcharges: Surcharges::new(target_rate, key),
        }
    }

    pub(super) fn price(&self, source: Source, free_share: f64, now: Moment) -> Price {
        let surcharge = self.surcharges.of(source, self.elapsed.at(now));
        let level = self.exact_level(free_share, now);
        Price {
            difficulty: self.rounded(level + surcharge),
            level: self.rounded(level),
        }
    }

    /// Counts a stamp with its level, but at most with what the level is now before it is rounded up.
    ///
    /// Otherwise the price could stay up after an attack: at a level that is rounded up by a bit, half of
    /// the target rate proves enough work to keep it there, and in the powtcp dialect a sixteenth.
    pub(super) fn served(
        &mut self,
        source: Source,
        level: Difficulty,
        free_share: f64,
        now: Moment,
    ) {
        let elapsed = self.elapsed.advance(now);
        let asked = self.work.per_second(elapsed) / self.target(free_share);
        let asked = asked.max(self.least.expected_hashes());
        self.work.add(level.expected_hashes().min(asked), elapsed);
        self.surcharges.served(source, elapsed);
    }

    pub(super) fn level(&self, free_share: f64, now: Moment) -> Difficulty {
        self.rounded(self.exact_level(free_share, now))
    }

    pub(super) fn proven_work(&self, now: Moment) -> f64 {
        self.work.per_second(self.elapsed.at(now))
    }

    /// Returns the level in bits, before it is rounded for the dialect.
    fn exact_level(&self, free_share: f64, now: Moment) -> u32 {
        let range = self.least..=self.greatest;
        level_bits(self.proven_work(now), self.target(free_share), &range)
    }

    /// Returns the clients a second above which the level rises now.
    fn target(&self, free_share: f64) -> f64 {
        self.target_rate * free_share.clamp(LEAST_SHARE, 1.0)
    }

    /// Rounds up to a difficulty that the dialect can express.
    fn rounded(&self, bits: u32) -> Difficulty {
        let rounded = Difficulty::from_bits(bits.next_multiple_of(self.unit));
        rounded.map_or(self.greatest, |rounded| rounded.min(self.greatest))
    }
}
