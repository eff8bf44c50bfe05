//! Histograms with a fixed number of buckets.

use std::time::Duration;

/// What a histogram counts.
pub trait Quantity: Copy + PartialOrd + Default {
    /// Adds two quantities.
    fn plus(self, other: Self) -> Self;
    /// Returns the quantity in the unit of the metric: seconds of a duration.
    fn value(self) -> f64;
}

/// Counts quantities by bucket.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<const N: usize, Q = Duration> {
    /// The inclusive upper bound of each bucket, ascending. Larger quantities fall into no bucket.
    bounds: [Q; N],
    counts: [u64; N],
    count: u64,
    sum: Q,
}

impl<const N: usize, Q: Quantity> Histogram<N, Q> {
    /// Creates an empty histogram with these bounds, which ascend.
    pub fn new(bounds: [Q; N]) -> Self {
        Self {
            bounds,
            counts: [0; N],
            count: 0,
            sum: Q::default(),
        }
    }

    /// Counts one quantity.
    pub fn observe(&mut self, quantity: Q) {
        let bucket = self.bounds.iter().position(|&bound| quantity <= bound);
        if let Some(count) = bucket.and_then(|bucket| self.counts.get_mut(bucket)) {
            *count += 1;
        }
        self.count += 1;
        self.sum = self.sum.plus(quantity);
    }

    /// Returns each bound with the number of quantities up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut total = 0;
        self.bounds
            .into_iter()
            .zip(self.counts)
            .map(move |(bound, count)| {
                total += count;
                (bound.value(), total)
            })
    }

    /// Returns how many quantities were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of the counted quantities.
    pub fn sum(&self) -> f64 {
        self.sum.value()
    }
}

impl Quantity for Duration {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }

    fn value(self) -> f64 {
        self.as_secs_f64()
    }
}

/// Bits of difficulty.
impl Quantity for u64 {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }

    fn value(self) -> f64 {
        self as f64
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
        assert_eq!(histogram.sum(), 2.121);
    }
}
