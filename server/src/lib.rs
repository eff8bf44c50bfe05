//! A TCP server that serves nothing before its client has paid with CPU time.
//!
//! Three rings, and imports point inward. Pure, without a socket, a clock or entropy: [`session`],
//! [`limits`], [`lobby`], [`timer_wheel`], [`moment`], [`metrics`]. Around them the shell:
//! [`event_loop`], which sleeps and wakes, [`connections`] and [`connection`], one socket with its
//! buffers, and [`metrics_page`]. At the edge: [`config`], [`log`], [`process`] and `main`.

#![forbid(unsafe_code)]

pub mod acceptor;
pub mod config;
pub mod connection;
pub mod connections;
pub mod event_loop;
pub mod intake;
pub mod limits;
pub mod lobby;
pub mod log;
pub mod metrics;
pub mod metrics_page;
pub mod moment;
pub mod process;
pub mod random;
pub mod resources;
pub mod responder;
pub mod session;
pub mod socket;
pub mod timer_wheel;
pub mod turn;
