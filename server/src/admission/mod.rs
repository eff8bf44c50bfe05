//! Which connections get a slot: limits, fairness between sources, and the queue of newcomers; and sets
//! of networks. Pure: connections are keys, and nothing here knows a socket or the time.

mod access;
mod limits;
mod networks;
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
pub use queue::NewcomerQueue;
pub use relay_limits::RelayLimits;
pub use source::Source;
pub use standing::Standing;
