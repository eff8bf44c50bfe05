//! Points in time on the monotonic clock, and the ticks of the timer wheel.

use std::time::Duration;

/// A point in time, in nanoseconds since the server started; it overflows after 584 years.
///
/// It takes 8 bytes, where an `Instant` takes 16, and a test can create any value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// The time of one turn of the event loop, read once.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// The monotonic clock, for deadlines: a step of the wall clock does not move it.
    pub moment: Moment,
    /// The wall clock, since the Unix epoch, for dates that people read.
    pub wall: Duration,
}

impl Moment {
    /// The length of a tick. A deadline fires one to two ticks late, and never early.
    pub const TICK: Duration = Duration::from_millis(16);
    const TICK_NANOS: u64 = Self::TICK.as_nanos() as u64;
    /// The moment at which the server started.
    pub const START: Self = Self(0);

    /// Returns the moment that lies `since_start` after the start of the server.
    pub fn new(since_start: Duration) -> Self {
        Self(saturating_nanos(since_start))
    }

    /// Returns the moment that is `delay` later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(delay)))
    }

    /// Returns how much later this moment is than `earlier`, or zero if it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the last tick that has begun by this moment.
    pub fn tick(self) -> u64 {
        self.0 / Self::TICK_NANOS
    }

    /// Returns the first tick that begins at least one whole tick after this moment. The extra tick
    /// makes up for the age of the `now` that a deadline was computed from.
    pub fn due_tick(self) -> u64 {
        self.0.div_ceil(Self::TICK_NANOS) + 1
    }

    /// Returns the latest moment whose [`Moment::due_tick`] has begun by this moment: every deadline up to
    /// it has fired, once all ticks that have begun are handled.
    pub fn last_acted(self) -> Self {
        Self::at_tick(self.tick().saturating_sub(1))
    }

    /// Returns the moment at which `tick` begins.
    pub fn at_tick(tick: u64) -> Self {
        Self(tick.saturating_mul(Self::TICK_NANOS))
    }
}

fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_tick_begins_one_to_two_ticks_after_its_moment() {
        for nanos in [0, 1, 15_999_999, 16_000_000, 16_000_001, 60_000_000_000] {
            let moment = Moment(nanos);
            let late = Moment::at_tick(moment.due_tick()).since(moment);
            assert!(
                late >= Moment::TICK && late < 2 * Moment::TICK,
                "{nanos}: {late:?}"
            );
        }
    }

    #[test]
    fn exactly_the_deadlines_up_to_the_last_acted_one_have_fired() {
        for nanos in [16_000_000, 31_999_999, 32_000_000, 60_000_000_001] {
            let now = Moment(nanos);
            let last = now.last_acted();
            assert!(last.due_tick() <= now.tick());
            assert!(Moment(last.0 + 1).due_tick() > now.tick());
        }
    }

    #[test]
    fn a_moment_lies_within_its_tick() {
        for nanos in [0, 1, 15_999_999, 16_000_000, 60_000_000_001] {
            let moment = Moment(nanos);
            assert!(Moment::at_tick(moment.tick()) <= moment);
            assert!(Moment::at_tick(moment.tick() + 1) > moment);
        }
    }

    #[test]
    fn absurd_durations_saturate() {
        assert_eq!(
            Moment::new(Duration::MAX).after(Duration::MAX),
            Moment(u64::MAX)
        );
        assert_eq!(Moment(3).since(Moment(5)), Duration::ZERO);
    }
}
