//! The clocks of the operating system, from which the pure rooms get their time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Moment, Now};

/// Counts moments from the start of the server.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    /// The wall clock at the start, since the Unix epoch.
    wall_at_start: Duration,
}

impl Clock {
    /// Starts a clock: its first moment is the present.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            wall_at_start: wall(),
        }
    }

    /// Reads the monotonic and the wall clock.
    pub fn now(&self) -> Now {
        Now {
            moment: self.moment(),
            wall: wall(),
        }
    }

    /// Reads the monotonic clock.
    pub fn moment(&self) -> Moment {
        Moment::new(self.start.elapsed())
    }

    /// Returns the wall clock at the start, since the Unix epoch.
    pub fn wall_at_start(&self) -> Duration {
        self.wall_at_start
    }
}

fn wall() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
