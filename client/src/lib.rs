//! A client that pays a powtcp server with CPU time, and a load test that does so many times at once.
//!
//! [`handshake`] is the protocol from the client's side, over a [`conversation`] of messages;
//! [`retry`] says when to try again; [`config`], [`report`] and [`error`] face the user. The server is never trusted: lines, time and
//! difficulty are bounded, and nothing it sends can act on a terminal.

#![forbid(unsafe_code)]

pub mod config;
pub mod conversation;
pub mod error;
pub mod handshake;
pub mod report;
pub mod retry;
