//! A client that pays a powtcp server with CPU time.
//!
//! [`payment`] is the client's side of the protocol: it holds a puzzle, then its stamp, over one
//! [`conversation`] after another. [`mod@connect`] makes the connections, [`search`] solves the
//! puzzle, and [`retry`] decides when a new connection is worthwhile. [`config`], [`report`] and
//! [`error`] are for the user. The client does not trust the server: lines, time and difficulty are
//! bounded.

#![forbid(unsafe_code)]

pub mod config;
pub mod connect;
pub mod conversation;
pub mod error;
pub mod hand;
pub mod payment;
pub mod report;
pub mod retry;
pub mod search;
