//! The counters of what puzzles cost.

use super::page::Page;
use super::{Gauges, Histogram};
use crate::admission::Price;

/// The upper bounds of buckets of difficulty, in bits.
const BITS: [u64; 14] = [8, 12, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 64];

/// How difficult puzzles were.
#[derive(Debug)]
pub struct PriceMetrics {
    asked: Histogram<{ BITS.len() }, u64>,
    paid: Histogram<{ BITS.len() }, u64>,
    surcharged: u64,
}

impl PriceMetrics {
    pub(super) fn new() -> Self {
        Self {
            asked: Histogram::new(BITS),
            paid: Histogram::new(BITS),
            surcharged: 0,
        }
    }

    pub(super) fn on_asked(&mut self, price: Price) {
        self.asked.observe(price.difficulty.bits().into());
        self.surcharged += u64::from(price.difficulty > price.level);
    }

    pub(super) fn on_paid(&mut self, price: Price) {
        self.paid.observe(price.difficulty.bits().into());
    }

    pub(super) fn write(&self, gauges: &Gauges, page: &mut Page) {
        page.gauge(
            "powtcp_level_bits",
            "Difficulty of a puzzle now, without a surcharge.",
            gauges.level_bits,
        );
        page.gauge(
            "powtcp_max_level",
            "The greatest difficulty: M of --bits N..M, or --bits.",
            gauges.max_level_bits,
        );
        page.gauge(
            "powtcp_proven_hashes_per_second",
            "Work that stamps have proven lately; 0 with a fixed difficulty, which does not count it.",
            gauges.proven_work,
        );
        page.histogram(
            "powtcp_puzzle_difficulty",
            "Difficulty of the puzzles sent.",
            &self.asked,
        );
        page.histogram(
            "powtcp_stamp_difficulty",
            "Difficulty of the puzzles of right stamps.",
            &self.paid,
        );
        page.counter(
            "powtcp_surcharged_puzzles_total",
            "Puzzles that were more difficult because their source is served often.",
            self.surcharged,
        );
    }
}
