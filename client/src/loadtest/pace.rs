//! A rate that is kept without a timer for each event: a token bucket, as a router polices a line.

use std::time::{Duration, Instant};

/// What a loop that was late may make up for: more would come as a burst that nobody asked for.
const SLACK: Duration = Duration::from_millis(50);

/// So many a second.
#[derive(Debug)]
pub(super) struct Pace {
    a_second: f64,
    /// How many are due, the fraction of the next one included.
    allowance: f64,
    last: Instant,
}

impl Pace {
    /// `a_second` from `now` on, after `burst` that are due at once.
    pub(super) const fn new(a_second: f64, burst: usize, now: Instant) -> Self {
        Self {
            a_second,
            allowance: burst as f64,
            last: now,
        }
    }

    /// How many are due at `now`.
    pub(super) fn due(&mut self, now: Instant) -> usize {
        let accrued = now.saturating_duration_since(self.last).as_secs_f64() * self.a_second;
        self.last = self.last.max(now);
        // And one more, or a slow pace would never come to it.
        let most = SLACK.as_secs_f64() * self.a_second + 1.0;
        self.allowance = (self.allowance + accrued).min(self.allowance.max(most));
        self.allowance as usize
    }

    /// `count` of those that are due were done.
    pub(super) fn spend(&mut self, count: usize) {
        self.allowance = (self.allowance - count as f64).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many come about in a second, in steps of `step`.
    fn in_a_second(pace: &mut Pace, start: Instant, step: Duration) -> usize {
        let steps = 1_000_000 / step.as_micros() as u32;
        let counts = (1..=steps).map(|n| {
            let due = pace.due(start + step * n);
            pace.spend(due);
            due
        });
        counts.sum()
    }

    #[test]
    fn the_rate_is_kept_whatever_the_steps() {
        for a_second in [1, 30, 2_000, 50_000] {
            for step in [50, 1_000, 10_000, 50_000] {
                let start = Instant::now();
                let mut pace = Pace::new(f64::from(a_second), 0, start);
                let count = in_a_second(&mut pace, start, Duration::from_micros(step));
                let expected = a_second as usize;
                assert!(
                    (expected.saturating_sub(1)..=expected).contains(&count),
                    "{count} instead of {a_second} in steps of {step} µs"
                );
            }
        }
    }

    #[test]
    fn a_burst_is_due_at_once_and_what_was_missed_is_not() {
        let start = Instant::now();
        let mut pace = Pace::new(1_000.0, 5_000, start);
        assert_eq!(pace.due(start), 5_000);
        pace.spend(4_000);
        assert_eq!(pace.due(start + Duration::from_secs(3)), 1_000);
        pace.spend(1_000);
        assert_eq!(pace.due(start + Duration::from_secs(3)), 0);
        assert_eq!(pace.due(start + Duration::from_secs(60)), 51);
    }
}
