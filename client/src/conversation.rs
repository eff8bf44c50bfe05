//! Messages over a blocking socket. Each message is bounded in length and in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::message::{Command, MAX_SERVER_LINE, Message};

use crate::error::ClientError;

/// A connection to a server, which the client does not trust.
#[derive(Debug)]
pub struct Conversation {
    stream: TcpStream,
    lines: LineBuffer<MAX_SERVER_LINE>,
    /// Bytes that arrived after the line that was returned last.
    unread: Vec<u8>,
}

impl Conversation {
    /// Creates a conversation over a connected, blocking socket.
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            lines: LineBuffer::new(),
            unread: Vec::new(),
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The connection broke, or the socket took no bytes for `timeout`. If the server sent an error
    /// message before the connection broke, that message is the error, because it says why.
    pub fn send(&mut self, message: Message<'_>, timeout: Duration) -> Result<(), ClientError> {
        let mut line = Vec::new();
        message.write_to(&mut line);
        self.stream
            .set_write_timeout(Some(timeout))
            .map_err(ClientError::Broken)?;
        match self.stream.write_all(&line) {
            Ok(()) => Ok(()),
            Err(error) if is_timeout(&error) => Err(ClientError::Timeout("take our message")),
            Err(error) => match self.receive(Command::Error, "", timeout) {
                Err(refused @ ClientError::Refused(_)) => Err(refused),
                _ => Err(ClientError::Broken(error)),
            },
        }
    }

    /// Waits for one message and returns its payload. The whole message has to arrive within
    /// `timeout`, which stops a server that sends one byte at a time. `what` completes the sentence
    /// "the server did not …" of an error.
    ///
    /// # Errors
    /// Anything except a message with the command `wanted`.
    pub fn receive(
        &mut self,
        wanted: Command,
        what: &'static str,
        timeout: Duration,
    ) -> Result<Vec<u8>, ClientError> {
        let line = self.receive_line(what, Instant::now() + timeout)?;
        match Message::parse(&line) {
            Ok(Message {
                command: Command::Error,
                payload,
            }) => Err(ClientError::Refused(payload.to_vec())),
            Ok(Message { command, payload }) if command == wanted => Ok(payload.to_vec()),
            Ok(_) | Err(_) => Err(ClientError::Unexpected(line)),
        }
    }

    /// Returns whether the server has sent something unasked, or has closed the connection. Does not
    /// wait.
    pub fn was_interrupted(&self) -> bool {
        let peek = || {
            self.stream.set_nonblocking(true)?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            peeked
        };
        !self.unread.is_empty()
            || !peek().is_err_and(|error: io::Error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Returns why the server sent something, or closed the connection, while it should have waited
    /// for a solution.
    pub fn interruption(&mut self, timeout: Duration) -> ClientError {
        match self.receive(Command::Error, "wait for a solution", timeout) {
            Ok(text) => ClientError::Refused(text),
            Err(error) => error,
        }
    }

    fn receive_line(
        &mut self,
        what: &'static str,
        deadline: Instant,
    ) -> Result<Vec<u8>, ClientError> {
        let mut buffer = [0; 4096];
        let mut unread = std::mem::take(&mut self.unread);
        loop {
            let mut input = unread.as_slice();
            match self.lines.next_line(&mut input) {
                Ok(Some(line)) => {
                    let line = line.into_owned();
                    self.unread = input.to_vec();
                    return Ok(line);
                }
                Ok(None) => {}
                Err(LineTooLong) => return Err(ClientError::LineTooLong),
            }
            let left = time_left(deadline).ok_or(ClientError::Timeout(what))?;
            self.stream
                .set_read_timeout(Some(left))
                .map_err(ClientError::Broken)?;
            unread = match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ClientError::Closed(what)),
                Ok(len) => buffer[..len].to_vec(),
                Err(error) if error.kind() == ErrorKind::Interrupted => Vec::new(),
                Err(error) if is_timeout(&error) => return Err(ClientError::Timeout(what)),
                Err(error) => return Err(ClientError::Broken(error)),
            };
        }
    }
}

/// Returns the time left until `deadline`, or `None` after it. It is at least one millisecond: a
/// socket timeout of zero is an error.
pub(crate) fn time_left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then(|| left.max(Duration::from_millis(1)))
}

/// Returns whether a socket timeout has passed. Systems report it as either kind.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
