//! Watches for a wall clock that moves away from the monotonic clock: the dates of puzzles run on the
//! wall clock at the start plus monotonic time.

use std::time::Duration;

use crate::time::{Moment, Now};

/// The offset that is reported.
const TOLERANCE: Duration = Duration::from_secs(5);
/// The least time between two checks of the offset.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reports each episode of a wrong wall clock once.
#[derive(Debug)]
pub struct ClockWatch {
    next: Moment,
    /// Whether the present episode is reported.
    reported: bool,
}

impl Default for ClockWatch {
    /// Creates a watch that has seen nothing.
    fn default() -> Self {
        Self {
            next: Moment::START,
            reported: false,
        }
    }
}

impl ClockWatch {
    /// Returns the offset of the wall clock in seconds, if it is to be reported. `start` is the wall
    /// clock at [`Moment::START`]. An episode ends when the offset is half of what is reported, so
    /// that an offset about there is not reported again and again.
    pub fn observe(&mut self, start: Duration, now: Now) -> Option<f64> {
        if now.moment < self.next {
            return None;
        }
        self.next = now.moment.after(INTERVAL);
        let offset = clock_offset(start, now);
        let is_new = !self.reported && offset.abs() > TOLERANCE.as_secs_f64();
        if is_new || offset.abs() <= TOLERANCE.as_secs_f64() / 2.0 {
            self.reported = is_new;
        }
        is_new.then_some(offset)
    }
}

/// Returns by how many seconds the wall clock is ahead of the wall clock at the start plus monotonic
/// time. `start` is the wall clock at [`Moment::START`].
pub fn clock_offset(start: Duration, now: Now) -> f64 {
    let expected = start + now.moment.since(Moment::START);
    let offset = now.wall.abs_diff(expected).as_secs_f64();
    if now.wall < expected { -offset } else { offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_795_345_187);

    /// The time `seconds` after the start, with the wall clock ahead by `offset` seconds.
    fn at(seconds: u64, offset: i64) -> Now {
        let since_start = Duration::from_secs(seconds);
        let ahead = Duration::from_secs(offset.unsigned_abs());
        let wall = START + since_start;
        Now {
            moment: Moment::new(since_start),
            wall: if offset < 0 {
                wall - ahead
            } else {
                wall + ahead
            },
        }
    }

    #[test]
    fn the_offset_has_a_sign() {
        for offset in [-86_400, -1, 0, 1, 3_600] {
            assert_eq!(clock_offset(START, at(70, offset)), offset as f64);
        }
    }

    #[test]
    fn each_episode_is_reported_once() {
        let mut watch = ClockWatch::default();
        let offsets = [0, 5, -6, -6, -5, -6, -3, -6, -2, -6, 0, 7, -7, 0];
        let reported: Vec<_> = (0..)
            .zip(offsets)
            .filter_map(|(second, offset)| watch.observe(START, at(second, offset)))
            .collect();
        assert_eq!(reported, [-6.0, -6.0, 7.0]);
    }

    #[test]
    fn the_clock_is_checked_once_a_second() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.observe(START, at(0, 0)), None);
        assert_eq!(watch.observe(START, at(0, 100)), None);
        assert_eq!(watch.observe(START, at(1, 100)), Some(100.0));
    }
}
