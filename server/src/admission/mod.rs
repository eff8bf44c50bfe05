//! Which connections get a slot: limits, fairness between sources, and the queue of newcomers. And what
//! their puzzles cost. Pure: connections are keys, the time is an argument, and nothing here knows a socket.

mod limits;
mod pricing;
mod queue;
mod relay_limits;
mod ring;
mod source;
mod standing;
mod victim;

pub use limits::{Admission, Bounds, Limits, WhenFull};
pub use pricing::{Adaptive, PRICING_KEY_LEN, Price, Pricing, aged_ttl};
pub use queue::NewcomerQueue;
pub use relay_limits::RelayLimits;
pub use source::Source;
pub use standing::Standing;
