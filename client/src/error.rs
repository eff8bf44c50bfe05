//! What can go wrong between the client and a server.

use std::fmt;
use std::io;

use powtcp_common::hashcash::{ChallengeError, Difficulty};
use powtcp_common::log_line::escape;

/// Why the client got no resource.
#[derive(Debug)]
pub enum ClientError {
    /// The name of the server could not be resolved, or it could not be connected to.
    Connect(String, io::Error),
    /// The connection broke.
    Broken(io::Error),
    /// The server did not do this in time, such as "send a puzzle".
    Timeout(&'static str),
    /// The server closed the connection before it did this.
    Closed(&'static str),
    /// The server sent a line longer than any message.
    LineTooLong,
    /// The server sent this line, which is not the expected message.
    Unexpected(Vec<u8>),
    /// The server refused with this text.
    Refused(Vec<u8>),
    /// The server sent a malformed puzzle.
    BadPuzzle(ChallengeError),
    /// The puzzle has the first difficulty, and the user accepts at most the second.
    TooHard(Difficulty, Difficulty),
    /// No solution was found in time.
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

/// Returns the start of a peer's text, escaped so that no byte of it can act on a terminal.
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
