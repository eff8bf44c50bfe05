//! The time of issue that stands in a puzzle: DATE, and the fraction of its second in RAND.

use std::time::Duration;

/// A time of issue, in units of 2^-24 s since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssueTime(u64);

impl IssueTime {
    /// A time before all puzzles.
    pub const MIN: Self = Self(0);
    const FRACTION_BITS: u32 = 24;

    /// Returns the time that lies `since_epoch` after the Unix epoch, rounded down to a unit.
    pub fn new(since_epoch: Duration) -> Self {
        let nanos = u64::from(since_epoch.subsec_nanos());
        let fraction = (nanos << Self::FRACTION_BITS) / 1_000_000_000;
        Self(since_epoch.as_secs() << Self::FRACTION_BITS | fraction)
    }

    /// Puts together a DATE, in seconds since the Unix epoch, and the fraction that RAND begins with.
    pub fn from_parts(seconds: u64, fraction: [u8; 3]) -> Self {
        let [high, middle, low] = fraction;
        let fraction = u32::from_be_bytes([0, high, middle, low]);
        Self(seconds << Self::FRACTION_BITS | u64::from(fraction))
    }

    /// Returns the whole seconds since the Unix epoch.
    pub fn seconds(self) -> u64 {
        self.0 >> Self::FRACTION_BITS
    }

    /// Returns the fraction of the second, most significant byte first.
    pub fn fraction(self) -> [u8; 3] {
        let [.., high, middle, low] = self.0.to_be_bytes();
        [high, middle, low]
    }

    /// Returns the next time that a puzzle can have.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the time that is `delay` later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(Self::new(delay).0))
    }

    /// Returns the time that is `delay` earlier.
    #[must_use]
    pub fn before(self, delay: Duration) -> Self {
        Self(self.0.saturating_sub(Self::new(delay).0))
    }

    /// Returns how much later this time is than `earlier`, or zero if it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        let units = self.0.saturating_sub(earlier.0);
        let fraction = units & ((1 << Self::FRACTION_BITS) - 1);
        let nanos = (fraction * 1_000_000_000) >> Self::FRACTION_BITS;
        Duration::new(units >> Self::FRACTION_BITS, nanos as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_half_of_the_units() {
        let time = IssueTime::new(Duration::from_millis(1_795_344_840_500));
        assert_eq!(
            (time.seconds(), time.fraction()),
            (1_795_344_840, [0x80, 0, 0])
        );
    }

    #[test]
    fn a_time_survives_being_taken_apart() {
        for nanos in [0, 1, 59, 60, 499_999_999, 999_999_999] {
            let time = IssueTime::new(Duration::new(1_795_344_840, nanos));
            assert_eq!(IssueTime::from_parts(time.seconds(), time.fraction()), time);
            let next = time.next();
            assert!(next > time);
            assert_eq!(IssueTime::from_parts(next.seconds(), next.fraction()), next);
        }
    }

    #[test]
    fn a_difference_is_exact_to_the_unit() {
        let start = IssueTime::new(Duration::new(7, 123_456_789));
        for delay in [0, 1_000, 1_000_000_000, 60_000_000_007].map(Duration::from_nanos) {
            let measured = start.after(delay).since(start);
            assert!(measured <= delay && delay - measured < Duration::from_nanos(120));
        }
        assert_eq!(start.since(start.next()), Duration::ZERO);
    }
}
