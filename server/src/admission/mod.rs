//! Which connections get a slot: limits, fairness between sources, the queue of newcomers, and sets of
//! networks. And what their puzzles cost. Pure: connections are keys, the time is an argument, and nothing
//! here knows a socket.

mod access;
mod limits;
mod networks;
mod pricing;
mod queue;
mod ranges;
mod relay_limits;
mod ring;
mod source;
mod standing;
mod victim;

pub use access::{Access, Entrance};
pub use limits::{Admission, Bounds, Limits, WhenFull};
pub use networks::{Networks, NetworksError};
pub use pricing::{Adaptive, PRICING_KEY_LEN, Price, Pricing, aged_ttl};
pub use queue::NewcomerQueue;
pub use relay_limits::{Fare, RelayLimits};
pub use source::Source;
pub use standing::Standing;
