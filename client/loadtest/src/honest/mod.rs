//! Honest load: clients that pay for what they get, or at least ask for a puzzle.
//!
//! [`exchange`] is one handshake. [`handshakes`] makes many of them as fast as it can, [`idle`] holds
//! connections, and [`clients`] are the few that measure what an attack does to them.

pub(crate) mod clients;
pub(crate) mod exchange;
pub(crate) mod handshakes;
pub(crate) mod idle;
pub(crate) mod results;
