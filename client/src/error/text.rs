//! The text of an error: one line, in which nothing of a peer can act on a terminal.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use powtcp_common::log_line::escape;

use super::{Awaited, PayError};

impl fmt::Display for PayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadAddress(text) => {
                let text = harmless(text.as_bytes());
                write!(f, "'{text}' is not an address, expected HOST:PORT")
            }
            Self::Lookup { server, error } => {
                let server = harmless(server.as_bytes());
                write!(f, "cannot connect to {server}: {error}")
            }
            Self::Connect { server, errors } => {
                let server = harmless(server.as_bytes());
                write!(f, "cannot connect to {server}: {}", Attempts(errors))
            }
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::NoAnswer(what) => write!(f, "the server did not {what} in time"),
            Self::Closed(what) => write!(f, "the server closed the connection and did not {what}"),
            Self::LineTooLong => f.write_str("the server sent a line that is too long"),
            Self::Unexpected(line) => {
                let line = harmless(line);
                write!(f, "the server sent something unexpected: \"{line}\"")
            }
            Self::Refused(text) => write!(f, "the server refused: {}", harmless(text)),
            Self::BadPuzzle(error) => write!(f, "the server sent no puzzle: {error}"),
            Self::TooHard { bits, most } => {
                write!(
                    f,
                    "the puzzle has {bits} bits, more than the {most} that are accepted: \
                     the server may be under load"
                )
            }
            Self::Hopeless(estimate) => {
                write!(f, "{estimate}: more than ten times as long as is allowed")
            }
            Self::Unsolved { .. } => f.write_str("no solution was found in time"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// Completes the sentence "the server did not …".
impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "take our message",
            Self::Puzzle => "send a puzzle",
            Self::Solution => "wait for a solution",
            Self::Resource => "send a resource",
        })
    }
}

/// The errors of several addresses in one line. A single one stands without its address, which is
/// usually the name of the server.
struct Attempts<'a>(&'a [(SocketAddr, io::Error)]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A name can stand for many addresses. The last one that failed is shown in any case.
        const MOST: usize = 4;
        match self.0 {
            [] => f.write_str("the host has no address"),
            [(_, error)] => error.fmt(f),
            errors => {
                let shown = &errors[errors.len().saturating_sub(MOST)..];
                for (number, (address, error)) in shown.iter().enumerate() {
                    let separator = if number == 0 { "" } else { "; " };
                    write!(f, "{separator}{address}: {error}")?;
                }
                Ok(())
            }
        }
    }
}

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
    use super::super::tests::connect;
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn a_servers_text_cannot_act_on_a_terminal() {
        let text = [b"\x1b[2J\rno\xff".as_slice(), &[b'x'; 1000]].concat();
        let shown = PayError::Refused(text).to_string();
        let expected = r"the server refused: \x1b[2J\rno\xffxxx";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(shown.len() < 300);
    }

    #[test]
    fn each_address_is_named_if_there_are_several() {
        let one = connect(&[ErrorKind::ConnectionRefused]).to_string();
        assert_eq!(one, "cannot connect to name:80: connection refused");
        let two = connect(&[ErrorKind::TimedOut, ErrorKind::ConnectionRefused]).to_string();
        let expected = "cannot connect to name:80: 127.0.0.1:1: timed out; \
                        127.0.0.1:2: connection refused";
        assert_eq!(two, expected);
        let many = connect(&[ErrorKind::TimedOut; 100]).to_string();
        assert!(many.ends_with("127.0.0.1:100: timed out"), "{many}");
        assert!(many.len() < 200, "{many}");
    }
}
