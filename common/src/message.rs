//! The five messages of the wire protocol: a command digit, a colon and a payload on one line.

use std::fmt;

/// The longest line that a client may send, in bytes, `\n` counted. A stamp takes about 90; the
/// limit bounds what a server must keep for a client that has paid nothing.
pub const MAX_CLIENT_LINE: usize = 512;

/// The longest line that a server may send, in bytes, `\n` counted. It bounds what a client must
/// keep for a server that it does not trust.
pub const MAX_SERVER_LINE: usize = 65_536;

/// What a line asks or answers: its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `0`, from the server: the connection ends; the payload says why.
    Error,
    /// `1`, from the client: asks for a puzzle; the payload is ignored.
    RequestPuzzle,
    /// `2`, from the server: the payload is a stamp whose counter is still zero.
    ResponsePuzzle,
    /// `3`, from the client: the payload is the solved stamp.
    RequestResource,
    /// `4`, from the server: the payload is what the client paid for.
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

    const fn digit(self) -> u8 {
        b'0' + self as u8
    }
}

/// One line, understood: its command and its payload, any bytes but `\n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What is asked or answered.
    pub command: Command,
    /// What follows the colon; its meaning depends on the command.
    pub payload: &'a [u8],
}

/// A line that is no message: it does not begin with a command from `0` to `4` and a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAMessage;

impl<'a> Message<'a> {
    /// Reads a line without its line ending.
    ///
    /// # Errors
    /// [`NotAMessage`] for anything but a command digit, a colon and a payload.
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

    /// Appends the message to `out` as a line, `\n` included.
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
    fn every_command_survives_the_wire() {
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
    fn only_a_known_digit_and_a_colon_make_a_message() {
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
