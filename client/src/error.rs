//! The errors of a payment.

use std::fmt;
use std::io;

use powtcp_common::hashcash::{ChallengeError, Difficulty};
use powtcp_common::log_line::escape;

/// The reason why there is no resource. Text of the server is escaped when it is
/// shown.
#[derive(Debug)]
pub enum ClientError {
    /// The name of the server cannot be resolved, or none of its addresses accepts a connection.
    Connect(String, io::Error),
    /// The connection broke.
    Broken(io::Error),
    /// The server did not do this within the timeout.
    Timeout(&'static str),
    /// The server closed the connection before it did this.
    Closed(&'static str),
    /// The server sent a line that is longer than any message.
    LineTooLong,
    /// The server sent this line instead of the message that was due.
    Unexpected(Vec<u8>),
    /// The server refused with this text.
    Refused(Vec<u8>),
    /// The text that the server sent as a puzzle is not one.
    BadPuzzle(ChallengeError),
    /// The puzzle has the first difficulty, and the second is the hardest that may be accepted.
    TooHard(Difficulty, Difficulty),
    /// No solution was found in the time for solving.
    Unsolved,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(server, error) => {
                write!(
                    f,
                    "cannot connect to {}: {error}",
                    harmless(server.as_bytes())
                )
            }
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::Timeout(what) => write!(f, "the server did not {what} in time"),
            Self::Closed(what) => write!(f, "the server closed the connection and did not {what}"),
            Self::LineTooLong => f.write_str("the server sent a line that is too long"),
            Self::Unexpected(line) => {
                write!(
                    f,
                    "the server sent something unexpected: \"{}\"",
                    harmless(line)
                )
            }
            Self::Refused(text) => write!(f, "the server refused: {}", harmless(text)),
            Self::BadPuzzle(error) => write!(f, "the server sent an invalid puzzle: {error}"),
            Self::TooHard(found, most) => {
                let (found, most) = (found.bits(), most.bits());
                write!(f, "the puzzle takes {found} bits, and --max-bits is {most}")
            }
            Self::Unsolved => f.write_str("no solution was found before --solve-timeout"),
        }
    }
}

impl std::error::Error for ClientError {}

/// Escapes the start of a peer's text, so that no byte of it can act on a terminal.
fn harmless(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let mut text = String::new();
    escape(&mut text, &bytes[..bytes.len().min(MOST)]);
    if bytes.len() > MOST {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_cannot_act_on_a_terminal() {
        let text = [b"\x1b[2J\rno\xff".as_slice(), &[b'x'; 1000]].concat();
        let shown = ClientError::Refused(text).to_string();
        assert!(
            shown.starts_with(r"the server refused: \x1b[2J\rno\xffxxx"),
            "{shown}"
        );
        assert!(shown.len() < 300);
    }
}
