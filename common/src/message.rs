//! The five messages of the wire protocol (see "Messages" in `common/README.md`). A message is one
//! line: a command digit, a colon and a payload.

use std::fmt;

/// The maximum length of a line from a client in bytes, including its `\n`. A stamp takes about 90
/// bytes. The limit bounds the memory that a client can make the server use before it pays.
pub const MAX_CLIENT_LINE: usize = 512;

/// The maximum length of a line from a server in bytes, including its `\n`. The limit bounds the
/// memory that a server can make a client use.
pub const MAX_SERVER_LINE: usize = 65_536;

/// The kind of a message, which is the first byte of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `0`, from the server: an error that ends the connection; the payload says why.
    Error,
    /// `1`, from the client: a request for a puzzle; the payload is ignored.
    RequestPuzzle,
    /// `2`, from the server: a puzzle; the payload is a stamp with a counter of zero.
    ResponsePuzzle,
    /// `3`, from the client: a solution; the payload is the solved stamp.
    RequestResource,
    /// `4`, from the server: the payload is the resource that the client has paid for.
    ResponseResource,
}

impl Command {
    const ALL: [Self; 5] = [
        Self::Error,
        Self::RequestPuzzle,
        Self::ResponsePuzzle,
        Self::RequestResource,
        Self::ResponseResource,
    ];

    fn digit(self) -> u8 {
        b'0' + self as u8
    }
}

/// A parsed line: a command and its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The kind of message.
    pub command: Command,
    /// The bytes after the colon, any except `\n`. Their meaning depends on the command.
    pub payload: &'a [u8],
}

/// The line does not begin with a command from `0` to `4` and a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAMessage;

impl<'a> Message<'a> {
    /// Parses a line without its line ending. Copies nothing.
    ///
    /// # Errors
    /// [`NotAMessage`] for anything except a command digit, a colon and a payload.
    pub fn parse(line: &'a [u8]) -> Result<Self, NotAMessage> {
        let [digit, b':', payload @ ..] = line else {
            return Err(NotAMessage);
        };
        let command = Command::ALL
            .into_iter()
            .find(|command| command.digit() == *digit);
        Ok(Self {
            command: command.ok_or(NotAMessage)?,
            payload,
        })
    }

    /// Appends the message to `out` as a line with its `\n`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.command.digit(), b':']);
        out.extend_from_slice(self.payload);
        out.push(b'\n');
    }
}

impl fmt::Display for NotAMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a message: expected a command from 0 to 4, a colon and a payload")
    }
}

impl std::error::Error for NotAMessage {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_message_parses_to_the_same_message() {
        for (digit, command) in (b'0'..).zip(Command::ALL) {
            for payload in [&b""[..], b"Don't Panic.", b":1:\xff\0\r"] {
                let message = Message { command, payload };
                let mut line = Vec::new();
                message.write_to(&mut line);
                assert_eq!(line[0], digit);
                assert_eq!(line.pop(), Some(b'\n'));
                assert_eq!(Message::parse(&line), Ok(message));
            }
        }
    }

    #[test]
    fn only_a_known_digit_and_a_colon_begin_a_message() {
        for digit in 0..=u8::MAX {
            for colon in 0..=u8::MAX {
                let known = (b'0'..=b'4').contains(&digit) && colon == b':';
                assert_eq!(
                    Message::parse(&[digit, colon]).is_ok(),
                    known,
                    "{digit} {colon}"
                );
            }
            assert!(Message::parse(&[digit]).is_err());
        }
        for line in [&b""[..], b"11:", b"01:", b" 1:", b"-1:", b"GET / HTTP/1.1"] {
            assert_eq!(Message::parse(line), Err(NotAMessage));
        }
    }
}
