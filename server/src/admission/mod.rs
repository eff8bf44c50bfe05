//! Which connections get a slot: limits, fairness between sources, and the queue of newcomers. Pure:
//! connections are keys, and nothing here knows a socket or the time.

mod limits;
mod queue;
mod ring;
mod source;

pub use limits::{Admission, Bounds, Limits, Standing, WhenFull};
pub use queue::NewcomerQueue;
pub use source::Source;
