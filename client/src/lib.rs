//! A client that pays a powtcp server with CPU time.
//!
//! [`handshake`] is the client's side of the protocol, over a [`conversation`] of messages. [`retry`] says
//! when another attempt is worth it. [`config`], [`report`] and [`error`] face the user.
//!
//! The client does not trust the server: lines, time and difficulty are bounded, and nothing that the
//! server sends can act on a terminal, except a resource that is printed there.

#![forbid(unsafe_code)]

pub mod config;
pub mod conversation;
pub mod error;
pub mod handshake;
pub mod report;
pub mod retry;
