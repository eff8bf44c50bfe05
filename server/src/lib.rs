//! A TCP server that serves nothing before its client has paid with CPU time.
//!
//! Three rings, and imports point inward. Pure, without a socket, a clock or entropy: [`session`],
//! [`timer_wheel`], [`moment`]. Around them the shell: [`event_loop`], which sleeps and wakes, and
//! [`connection`], one socket with its buffers. At the edge: [`config`], [`log`] and `main`.

#![forbid(unsafe_code)]

pub mod acceptor;
pub mod config;
pub mod connection;
pub mod connections;
pub mod event_loop;
pub mod log;
pub mod moment;
pub mod random;
pub mod resources;
pub mod responder;
pub mod session;
pub mod timer_wheel;
pub mod turn;
