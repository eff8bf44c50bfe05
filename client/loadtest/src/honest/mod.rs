//! Honest load: clients that pay for what they get, or at least ask for a puzzle.
//!
//! [`exchange`] is one handshake on one connection. [`closed`] keeps a number of them in progress;
//! [`handshakes`] makes many of them in this way, [`idle`] holds connections. The clients of [`schedule`] start at a fixed rate and keep what they have
//! paid when they lose a connection: they measure latency, and what an attack does to it.

mod client;
pub(crate) mod closed;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod handshakes;
pub(crate) mod idle;
mod intervals;
pub(crate) mod results;
pub(crate) mod schedule;
mod solvers;
