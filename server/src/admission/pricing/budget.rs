//! How many stamps are served whose puzzles have become too cheap.
//!
//! Any puzzle is good for 2 s, so without this budget an attacker could collect stamps for 2 s at the least
//! price and present them all at once, before the price has risen: thousands each time that it has fallen.

use std::time::Duration;

/// The budget, in seconds of the target rate. It admits clients that solve their puzzles while the price rises.
const SECONDS: f64 = 2.0;

/// A bucket that leaks at the target rate, and to which each stamp adds one.
#[derive(Debug)]
pub(super) struct CheapStamps {
    capacity: f64,
    level: f64,
    /// The time up to which it has leaked.
    until: Duration,
}

impl CheapStamps {
    /// Creates an empty bucket for this many clients a second.
    pub(super) fn new(target_rate: f64) -> Self {
        Self {
            capacity: SECONDS * target_rate,
            level: 0.0,
            until: Duration::ZERO,
        }
    }

    /// Returns whether another stamp may be served. The bucket has leaked `target` a second.
    pub(super) fn has_room(&self, target: f64, elapsed: Duration) -> bool {
        self.level_at(target, elapsed) + 1.0 <= self.capacity
    }

    /// Counts a stamp that was served.
    pub(super) fn add(&mut self, target: f64, elapsed: Duration) {
        // Above the capacity there is no room anyway; this bounds how long that lasts.
        self.level = (self.level_at(target, elapsed) + 1.0).min(self.capacity);
        self.until = self.until.max(elapsed);
    }

    fn level_at(&self, target: f64, elapsed: Duration) -> f64 {
        let seconds = elapsed.saturating_sub(self.until).as_secs_f64();
        (self.level - seconds * target).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seconds_of_the_target_rate_have_room_and_leak_at_the_rate_of_now() {
        let mut stamps = CheapStamps::new(50.0);
        let mut fill = |target, seconds| {
            let elapsed = Duration::from_secs(seconds);
            let mut added = 0;
            while stamps.has_room(target, elapsed) && added < 1_000 {
                stamps.add(target, elapsed);
                added += 1;
            }
            added
        };
        assert_eq!(fill(50.0, 10), 100);
        assert_eq!(fill(50.0, 10), 0);
        assert_eq!(fill(50.0, 11), 50);
        assert_eq!(fill(25.0, 12), 25);
        assert_eq!(fill(50.0, 1_000_000), 100);
        // Time does not go back.
        assert_eq!(fill(50.0, 0), 0);
    }

    #[test]
    fn a_full_bucket_does_not_fill_further() {
        let mut stamps = CheapStamps::new(50.0);
        (0..1_000).for_each(|_| stamps.add(50.0, Duration::ZERO));
        assert!(!stamps.has_room(50.0, Duration::from_millis(10)));
        assert!(stamps.has_room(50.0, Duration::from_millis(20)));
    }
}
