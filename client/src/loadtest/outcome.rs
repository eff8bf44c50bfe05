//! What became of many handshakes: how long those took that went well, and why the others failed.

use std::collections::BTreeMap;
use std::time::Duration;

/// What became of a phase.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Of the handshakes that went well; sorted once the phase is over.
    latencies: Vec<Duration>,
    elapsed: Duration,
    /// How many handshakes failed, by kind.
    pub(super) failures: BTreeMap<String, usize>,
}

impl Outcome {
    /// A handshake went well, and took this long.
    pub(super) fn succeed(&mut self, latency: Duration) {
        self.latencies.push(latency);
    }

    /// A handshake failed; this kind of failure.
    pub(super) fn fail(&mut self, kind: String) {
        *self.failures.entry(kind).or_default() += 1;
    }

    /// Adds what became of others.
    pub(super) fn absorb(&mut self, others: Self) {
        self.latencies.extend(others.latencies);
        for (kind, count) in others.failures {
            *self.failures.entry(kind).or_default() += count;
        }
    }

    /// Ends the phase, which took this long.
    pub(super) fn conclude(mut self, elapsed: Duration) -> Self {
        self.elapsed = elapsed;
        self.latencies.sort_unstable();
        self
    }

    /// How many handshakes went well.
    pub(super) const fn succeeded(&self) -> usize {
        self.latencies.len()
    }

    /// How many handshakes failed.
    pub(super) fn failed(&self) -> usize {
        self.failures.values().sum()
    }

    /// Successful handshakes a second.
    pub(super) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the successful handshakes did not exceed.
    pub(super) fn latency(&self, share: f64) -> Duration {
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        self.latencies
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(milliseconds: impl Iterator<Item = u64>) -> Outcome {
        let mut outcome = Outcome::default();
        milliseconds.for_each(|latency| outcome.succeed(Duration::from_millis(latency)));
        outcome
    }

    #[test]
    fn percentiles_are_taken_by_nearest_rank() {
        let outcome = outcome((1..=100).rev()).conclude(Duration::from_secs(2));
        let shares = [0.5, 0.9, 0.99, 1.0];
        let expected = [50, 90, 99, 100].map(Duration::from_millis);
        assert_eq!(shares.map(|share| outcome.latency(share)), expected);
        assert_eq!((outcome.succeeded(), outcome.rate()), (100, 50.0));
        assert_eq!(Outcome::default().latency(0.5), Duration::ZERO);
    }

    #[test]
    fn what_became_of_others_is_added() {
        let mut sum = outcome(5..=6);
        sum.fail("timeout".to_string());
        let mut others = outcome(1..=3);
        others.fail("timeout".to_string());
        others.fail("busy".to_string());
        sum.absorb(others);
        let sum = sum.conclude(Duration::from_secs(1));
        assert_eq!((sum.succeeded(), sum.failed()), (5, 3));
        assert_eq!(sum.failures["timeout"], 2);
        assert_eq!(sum.latency(0.5), Duration::from_millis(3));
    }
}
