//! The clocks of the operating system, from which the pure rooms get their time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Moment, Now};

/// Counts moments from the start of the server.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts a clock: its first moment is the present.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Reads the monotonic and the wall clock.
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
