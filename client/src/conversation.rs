//! Messages over a blocking socket. Each of them is bounded in length and in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::message::{Command, MAX_SERVER_LINE, Message};

use crate::error::ClientError;

/// A connection to a server that the client does not trust.
#[derive(Debug)]
pub struct Conversation {
    stream: TcpStream,
    lines: LineBuffer<MAX_SERVER_LINE>,
    /// Bytes that arrived together with the last line, after its end.
    unread: Vec<u8>,
}

impl Conversation {
    /// Connects to `server`, `HOST:PORT`. Tries its addresses in turn.
    ///
    /// # Errors
    /// [`ClientError::Connect`], with the error of the last address.
    pub fn connect(server: &str, timeout: Duration) -> Result<Self, ClientError> {
        let deadline = Instant::now() + timeout;
        let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
        let failed = |error| ClientError::Connect(server.to_string(), error);
        for address in server.to_socket_addrs().map_err(failed)? {
            let Some(left) = time_left(deadline) else {
                break;
            };
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(ClientError::Broken)?;
                    return Ok(Self::new(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            lines: LineBuffer::new(),
            unread: Vec::new(),
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The connection broke, or the socket took no byte for as long as `timeout`. If the server sent an
    /// error before the connection broke, this is returned instead: it says why.
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

    /// Waits for one message, which must be complete within `timeout`: single bytes do not extend it.
    /// `what` names what the server must do, such as "send a puzzle", for the error when it does not.
    ///
    /// # Errors
    /// No message with the command `wanted` arrived; the error says what happened instead.
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

    /// Returns whether the server has sent something or closed the connection meanwhile. Does not wait.
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

/// Returns the time until `deadline`, at least a millisecond because a socket's timeout cannot be zero;
/// `None` once it has passed.
fn time_left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then(|| left.max(Duration::from_millis(1)))
}

/// Returns whether a socket's timeout has passed. The kind of this error depends on the system.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
