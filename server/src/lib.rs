//! A TCP server that serves nothing before its client has paid with CPU time.
//!
//! Three rings. Imports point inward, with two exceptions: the shell writes to [`telemetry`] and hands out
//! [`resources`], and [`server`] is built from [`config`] and [`descriptors`].
//!
//! - Pure, without a socket, a clock, randomness or I/O: [`time`], [`protocol`], [`admission`], and the
//!   crate `powtcp-common`. Time is an argument, randomness is bytes, and replies are return values.
//! - The shell: [`net`], [`metrics_page`], and the event loop in [`server`] with [`housekeeping`].
//! - The edge, which faces the operator: `main`, [`config`], [`descriptors`], [`resources`], [`telemetry`].
//!
//! A byte that arrives goes from a socket through [`net::connection`] to a line, a message and the
//! session; the reply goes back through the outbox of the same connection.

#![forbid(unsafe_code)]

pub mod admission;
pub mod config;
pub mod descriptors;
pub mod housekeeping;
pub mod metrics_page;
pub mod net;
pub mod protocol;
pub mod relay;
pub mod resources;
pub mod server;
pub mod telemetry;
pub mod time;
