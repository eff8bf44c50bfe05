//! Time as the pure rooms know it: moments, ticks, and the wheel that keeps all deadlines. The
//! clock that moments are read from is in `net`.

mod issue_time;
mod moment;
mod wheel;

pub use issue_time::IssueTime;
pub use moment::{Moment, Now};
pub use wheel::{TimerId, TimerWheel};
