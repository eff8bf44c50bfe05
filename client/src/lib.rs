//! Pays a powtcp server with CPU time.
//!
//! A powtcp server serves a connection after its client has solved a proof-of-work puzzle. A
//! [`Payer`] asks for the puzzle, solves it, and returns the connection that was paid for:
//!
//! ```
//! # use std::io::{BufRead, BufReader, Write};
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let server = listener.local_addr()?.to_string();
//! # let served = std::thread::spawn(move || -> std::io::Result<()> {
//! #     let mut reader = BufReader::new(listener.accept()?.0);
//! #     let mut line = String::new();
//! #     reader.read_line(&mut line)?;
//! #     let puzzle = b"2:1:8:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n";
//! #     reader.get_mut().write_all(puzzle)?;
//! #     reader.read_line(&mut line)?;
//! #     reader.get_mut().write_all(b"4:Don't Panic.\nmore")
//! # });
//! use std::time::Duration;
//! use powtcp_client::Payer;
//!
//! let payer = Payer::new().max_bits(26).timeout(Duration::from_secs(10));
//! let paid = payer.connect(&server)?; // "gate.example:8080"
//! let (resource, stream, read_ahead) = paid.into_parts();
//!
//! assert_eq!(resource, b"Don't Panic.");
//! # served.join().expect("a server without a panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `stream` is an ordinary [`TcpStream`](std::net::TcpStream). `read_ahead` has the bytes that arrived
//! behind the resource, which come before those that are read from the stream.
//! [`Paid::into_stream`] returns both as one stream, for the service behind a gate.
//!
//! - [`Payer::over`] pays on a connection that your program has opened.
//! - [`Payer::on_progress`] tells each step, [`Cancel`] ends a payment from another thread.
//! - [`PayError`] says what went wrong, and [`PayError::is_transient`] whether to try again later.
//!
//! The client does not trust the server: the length of a line, the time for each answer, and the
//! difficulty of a puzzle are bounded. It does not check who the server is, and nothing is
//! encrypted. A call blocks; the library prints nothing and has no global state.

#![forbid(unsafe_code)]

mod cancel;
mod connect;
mod conversation;
mod error;
mod estimate;
mod hand;
mod paid;
mod paid_stream;
mod payer;
mod payment;
mod progress;
mod retry;
mod search;
mod turn;

pub use cancel::Cancel;
pub use error::{Awaited, PayError};
pub use estimate::Estimate;
pub use paid::Paid;
pub use paid_stream::PaidStream;
pub use payer::Payer;
pub use progress::{Effort, Progress};

pub use powtcp_common::hashcash::{ChallengeError, Kernel};

/// Compiles the example of the page for users.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
