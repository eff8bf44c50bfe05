//! The time by which everything decays.

use std::time::Duration;

use crate::time::Moment;

/// How much time has passed in total. If the clock goes back, no time passes, and time goes on from there:
/// nothing counted so far grows, and nothing stops decaying.
#[derive(Debug)]
pub(super) struct Elapsed {
    last: Moment,
    until_last: Duration,
}

impl Elapsed {
    /// Starts with the server.
    pub(super) fn new() -> Self {
        Self {
            last: Moment::START,
            until_last: Duration::ZERO,
        }
    }

    /// Returns the time that has passed by `now`.
    pub(super) fn at(&self, now: Moment) -> Duration {
        self.until_last.saturating_add(now.since(self.last))
    }

    /// Notes that it is `now`, and returns the time that has passed.
    pub(super) fn advance(&mut self, now: Moment) -> Duration {
        self.until_last = self.at(now);
        self.last = now;
        self.until_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::new(Duration::from_secs(seconds))
    }

    #[test]
    fn time_that_the_clock_goes_back_does_not_count() {
        let mut elapsed = Elapsed::new();
        let mut advance = |seconds| elapsed.advance(at(seconds)).as_secs();
        assert_eq!(
            [5, 100, 3, 4, 3, 10].map(&mut advance),
            [5, 100, 100, 101, 101, 108]
        );
        assert_eq!(elapsed.at(at(0)).as_secs(), 108);
        assert_eq!(elapsed.at(at(12)).as_secs(), 110);
    }

    #[test]
    fn absurd_moments_saturate() {
        let mut elapsed = Elapsed::new();
        for _ in 0..3 {
            elapsed.advance(Moment::new(Duration::MAX));
            elapsed.advance(Moment::START);
        }
        assert!(elapsed.at(Moment::new(Duration::MAX)) > Duration::from_secs(1));
    }
}
