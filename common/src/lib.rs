//! The code that the server and the client of powtcp share: the messages of the wire protocol, the
//! lines that carry them, the hashcash stamps in them and the solver. Each program also takes the
//! format of its log lines from here.
//!
//! Bytes of a peer pass through `line`, `message` and `hashcash`, in this order. Nothing there uses
//! a socket, a clock or entropy: all of that is an argument. `common/README.md` specifies the wire
//! protocol.

pub mod address;
pub mod duration;
pub mod hashcash;
pub mod line;
pub mod log_line;
pub mod message;
pub mod refusal;
pub mod utc;
