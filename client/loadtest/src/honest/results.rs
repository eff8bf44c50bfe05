//! The results of many handshakes: the latencies of the successful ones, and why the others failed.

use std::collections::BTreeMap;
use std::time::Duration;

use powtcp_common::hashcash::Difficulty;

use super::intervals::Intervals;

/// What became of the handshakes of a phase.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// Of the successful handshakes; sorted at the end of the phase.
    latencies: Vec<Duration>,
    /// The same, with all that the client needed itself; sorted likewise.
    waits: Vec<Duration>,
    /// The connections of each successful handshake after its first; sorted likewise.
    reconnections: Vec<u32>,
    /// The bits of each puzzle, in the order in which they arrived.
    puzzles: Vec<u8>,
    elapsed: Duration,
    pub(crate) intervals: Intervals,
    /// How many handshakes failed, by kind.
    pub(crate) failures: BTreeMap<String, usize>,
}

/// A successful handshake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    pub(crate) latency: Duration,
    /// The latency, and the time that the client needed itself, for solving and for its distance, if the
    /// latency is without it.
    pub(crate) wait: Duration,
    /// The connections after the first.
    pub(crate) reconnections: u32,
}

impl Results {
    /// Counts a successful handshake.
    pub(crate) fn succeed(&mut self, service: Service) {
        self.latencies.push(service.latency);
        self.waits.push(service.wait);
        self.reconnections.push(service.reconnections);
    }

    /// Notes the difficulty of a puzzle that has arrived.
    pub(crate) fn add_puzzle(&mut self, difficulty: Difficulty) {
        self.puzzles.push(difficulty.bits());
    }

    /// Counts a failed handshake by its kind of failure.
    pub(crate) fn fail(&mut self, kind: String) {
        *self.failures.entry(kind).or_default() += 1;
    }

    /// Ends the phase, which took `elapsed`.
    pub(crate) fn conclude(mut self, elapsed: Duration) -> Self {
        self.elapsed = elapsed;
        self.latencies.sort_unstable();
        self.waits.sort_unstable();
        self.reconnections.sort_unstable();
        self
    }

    /// Returns the number of successful handshakes.
    pub(crate) fn succeeded(&self) -> usize {
        self.latencies.len()
    }

    /// Returns the number of failed handshakes.
    pub(crate) fn failed(&self) -> usize {
        self.failures.values().sum()
    }

    /// Returns how long the phase took.
    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Returns the number of successful handshakes per second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Returns the percentile `share`, from 0 to 1, of the latencies, by nearest rank; `None` without
    /// a successful handshake.
    pub(crate) fn latency(&self, share: f64) -> Option<Duration> {
        percentile(&self.latencies, share)
    }

    /// Returns the percentile `share` of the waits, likewise.
    pub(crate) fn wait(&self, share: f64) -> Option<Duration> {
        percentile(&self.waits, share)
    }

    /// Returns the bits of the puzzles, in the order in which they arrived.
    pub(crate) fn puzzles(&self) -> &[u8] {
        &self.puzzles
    }

    /// Returns the percentile `share` of the reconnections, likewise.
    pub(crate) fn reconnections(&self, share: f64) -> Option<u32> {
        percentile(&self.reconnections, share)
    }
}

/// Returns the percentile `share`, from 0 to 1, of sorted values, by nearest rank.
pub(crate) fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_by_nearest_rank() {
        let mut results = Results::default();
        for latency in (1..=100).rev() {
            let latency_ms = Duration::from_millis(latency);
            results.succeed(Service {
                latency: latency_ms,
                wait: 2 * latency_ms,
                reconnections: latency as u32 % 2,
            });
        }
        let results = results.conclude(Duration::from_secs(2));
        let shares = [0.5, 0.9, 0.99, 1.0];
        let expected = [50, 90, 99, 100].map(|ms| Some(Duration::from_millis(ms)));
        assert_eq!(shares.map(|share| results.latency(share)), expected);
        assert_eq!(results.wait(0.5), Some(Duration::from_millis(100)));
        assert_eq!((results.succeeded(), results.rate()), (100, 50.0));
        assert_eq!(
            [0.5, 0.51].map(|share| results.reconnections(share)),
            [Some(0), Some(1)]
        );
        let none = Results::default();
        assert_eq!((none.latency(0.5), none.reconnections(0.5)), (None, None));
    }

    #[test]
    fn failures_are_counted_by_kind() {
        let mut results = Results::default();
        for kind in ["timeout", "busy", "timeout"] {
            results.fail(kind.to_string());
        }
        assert_eq!((results.succeeded(), results.failed()), (0, 3));
        assert_eq!(results.failures["timeout"], 2);
    }
}
