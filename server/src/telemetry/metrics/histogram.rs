//! Histograms of durations, with a fixed number of buckets.

use std::time::Duration;

/// Counts durations by bucket.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<const N: usize> {
    /// The inclusive upper bound of each bucket, ascending. Longer durations fall into no bucket.
    bounds: [Duration; N],
    counts: [u64; N],
    count: u64,
    sum: Duration,
}

impl<const N: usize> Histogram<N> {
    /// Creates an empty histogram with these bounds, which ascend.
    pub fn new(bounds: [Duration; N]) -> Self {
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

    /// Returns each bound in seconds with the number of durations up to it.
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

    /// Returns the number of counted durations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of the counted durations.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_counts_in_every_bucket_up_to_whose_bound_it_lies() {
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
