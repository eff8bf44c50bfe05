//! What both ends of powtcp share, free of sockets, clocks and entropy: the messages of the wire
//! protocol, the lines that carry them, the hashcash stamps inside them and the search for their
//! counters; and, for the edge of each program, its options and the shape of its log lines.
//!
//! A byte that arrives walks `line` -> `message` -> `hashcash`; nothing here reads or sends one.

pub mod address;
pub mod duration;
pub mod hashcash;
pub mod line;
pub mod log_line;
pub mod message;
pub mod options;
pub mod refusal;
pub mod utc;
