//! Random numbers from a seed.

use std::time::Duration;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(u64);

impl Random {
    /// Creates a generator.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns any number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number from 0 to `bound - 1`.
    pub(crate) const fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Returns true with a probability of `percent`.
    pub(crate) const fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns a time shorter than `milliseconds`.
    pub(crate) const fn within(&mut self, milliseconds: usize) -> Duration {
        Duration::from_micros(self.below(milliseconds * 1_000) as u64)
    }

    /// Returns an item of `list`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
    /// Returns a time from the exponential distribution with a mean of `mean` seconds.
    pub(crate) fn exponential(&mut self, mean: f64) -> Duration {
        // From 2^-53 to 1, so that its logarithm is finite.
        let uniform = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        Duration::try_from_secs_f64(-uniform.ln() * mean).unwrap_or(Duration::MAX)
    }
}
