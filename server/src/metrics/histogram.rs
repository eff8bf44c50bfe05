//! How long things took, in a fixed number of buckets.

use std::time::Duration;

/// Durations, counted by the bucket that they fall into.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<const N: usize> {
    /// The most that falls into each bucket, rising; what is longer falls into none.
    bounds: [Duration; N],
    counts: [u64; N],
    count: u64,
    sum: Duration,
}

impl<const N: usize> Histogram<N> {
    /// An empty one with these bounds, which rise.
    pub const fn new(bounds: [Duration; N]) -> Self {
        Self {
            bounds,
            counts: [0; N],
            count: 0,
            sum: Duration::ZERO,
        }
    }

    /// Counts one duration.
    pub fn observe(&mut self, duration: Duration) {
        let bucket = self.bounds.iter().position(|&bound| duration <= bound);
        if let Some(count) = bucket.and_then(|bucket| self.counts.get_mut(bucket)) {
            *count += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// The bounds in seconds, each with how many were no longer.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut total = 0;
        self.bounds
            .into_iter()
            .zip(self.counts)
            .map(move |(bound, count)| {
                total += count;
                (bound.as_secs_f64(), total)
            })
    }

    /// How many were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All of them together.
    pub const fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_counts_in_all_buckets_that_reach_it() {
        let mut histogram = Histogram::new([10, 100, 1_000].map(Duration::from_millis));
        for milliseconds in [0, 10, 11, 100, 999, 1_001] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let buckets: Vec<_> = histogram.cumulative().collect();
        assert_eq!(buckets, [(0.01, 2), (0.1, 4), (1.0, 5)]);
        assert_eq!(histogram.count(), 6);
        assert_eq!(histogram.sum(), Duration::from_millis(2_121));
    }
}
