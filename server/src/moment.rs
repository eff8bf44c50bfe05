//! Points in time on the monotonic clock, and the ticks of the timer wheel.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point in time: nanoseconds since the server started, for 584 years. 8 bytes, where an `Instant`
/// takes 16, and a test can make any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// The time of one turn of the event loop, read once.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// What deadlines are held against: a step of the wall clock does not change it.
    pub moment: Moment,
    /// The wall clock, since the Unix epoch: for dates that people read.
    pub wall: Duration,
}

/// What [`Now`] is read from.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
}

impl Moment {
    /// The length of a tick. Deadlines are met one to two ticks late, and never early.
    pub const TICK: Duration = Duration::from_millis(16);
    const TICK_NANOS: u64 = Self::TICK.as_nanos() as u64;

    /// `since_start` after the server started.
    pub const fn new(since_start: Duration) -> Self {
        Self(saturating_nanos(since_start))
    }

    /// `delay` later.
    #[must_use]
    pub const fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(delay)))
    }

    /// How much later this is than `earlier`; nothing if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The last tick that has begun by now.
    pub const fn tick(self) -> u64 {
        self.0 / Self::TICK_NANOS
    }

    /// The first tick that begins a whole tick or more after this moment. The whole tick makes up
    /// for the age of the `now` that a deadline was counted from.
    pub const fn due_tick(self) -> u64 {
        self.0.div_ceil(Self::TICK_NANOS) + 1
    }

    /// When `tick` begins.
    pub const fn at_tick(tick: u64) -> Self {
        Self(tick.saturating_mul(Self::TICK_NANOS))
    }
}

impl Clock {
    /// A clock whose first moment is now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Reads both clocks.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            moment: self.moment(),
            wall,
        }
    }

    /// Reads the monotonic clock.
    pub fn moment(&self) -> Moment {
        Moment::new(self.start.elapsed())
    }
}

const fn saturating_nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
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
    fn a_moment_has_reached_the_tick_that_it_lies_in() {
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
