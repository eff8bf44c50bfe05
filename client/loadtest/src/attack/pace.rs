//! A rate without a timer for each event: a token bucket.

use std::time::{Duration, Instant};

/// How much a late loop may catch up on. Without this bound, a pause would end in a burst.
const SLACK: Duration = Duration::from_millis(50);

/// A number of events per second.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: f64,
    /// How many events are due, with the fraction of the next one.
    allowance: f64,
    last: Instant,
}

impl Pace {
    /// Creates a pace of `per_second` events from `now` on, after `burst` events that are due at once.
    pub(crate) fn new(per_second: f64, burst: usize, now: Instant) -> Self {
        Self {
            per_second,
            allowance: burst as f64,
            last: now,
        }
    }

    /// Returns how many events are due at `now`.
    pub(crate) fn due(&mut self, now: Instant) -> usize {
        let accrued = now.saturating_duration_since(self.last).as_secs_f64() * self.per_second;
        self.last = self.last.max(now);
        // One more event, because a slow pace would never reach a whole one within the slack.
        let most = SLACK.as_secs_f64() * self.per_second + 1.0;
        self.allowance = (self.allowance + accrued).min(self.allowance.max(most));
        self.allowance as usize
    }

    /// Takes `count` of the events that are due.
    pub(crate) fn spend(&mut self, count: usize) {
        self.allowance = (self.allowance - count as f64).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the events of one second in steps of `step`.
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
    fn the_rate_does_not_depend_on_the_steps() {
        for per_second in [1, 30, 2_000, 50_000] {
            for step in [50, 1_000, 10_000, 50_000] {
                let start = Instant::now();
                let mut pace = Pace::new(f64::from(per_second), 0, start);
                let count = in_a_second(&mut pace, start, Duration::from_micros(step));
                let expected = per_second as usize;
                assert!(
                    (expected.saturating_sub(1)..=expected).contains(&count),
                    "{count} instead of {per_second} in steps of {step} µs"
                );
            }
        }
    }

    #[test]
    fn a_burst_is_due_at_once_and_a_pause_is_not_made_up_for() {
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
