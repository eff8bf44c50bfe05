//! Messages over a blocking socket. Each message is bounded in length and in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::message::{Command, MAX_SERVER_LINE, Message};

use crate::cancel::{Cancel, TICK};
use crate::error::{Awaited, PayError};

/// A connection to a server, which the client does not trust.
#[derive(Debug)]
pub(crate) struct Conversation {
    stream: TcpStream,
    lines: LineBuffer<MAX_SERVER_LINE>,
    /// Bytes that arrived after the line that was returned last.
    unread: Vec<u8>,
    cancel: Cancel,
}

impl Conversation {
    /// Creates a conversation over a connected, blocking socket.
    pub(crate) fn new(stream: TcpStream, cancel: Cancel) -> Self {
        Self {
            stream,
            lines: LineBuffer::new(),
            unread: Vec::new(),
            cancel,
        }
    }

    /// Sends `message` and returns the payload of the answer, which has to be a message with the
    /// command `wanted`. Both together may take `timeout`, which stops a server that reads nothing, and
    /// one that sends one byte at a time. `sent` is called between the two.
    ///
    /// # Errors
    /// Anything except the wanted answer. If the server sent an error message before the connection
    /// broke, that message is the error, because it says why.
    pub(crate) fn exchange(
        &mut self,
        message: Message<'_>,
        (wanted, awaited): (Command, Awaited),
        timeout: Duration,
        sent: impl FnOnce(),
    ) -> Result<Vec<u8>, PayError> {
        let deadline = Instant::now() + timeout;
        if let Err(error) = self.send(message, deadline) {
            if matches!(error, PayError::Broken(_))
                && let Ok(text) = self.receive(Command::Error, Awaited::Message, deadline)
            {
                return Err(PayError::Refused(text));
            }
            return Err(error);
        }
        sent();
        self.receive(wanted, awaited, deadline)
    }

    /// Returns why the server ended the conversation although it should wait for a solution, or `None`
    /// as long as it waits. Reads what has arrived without waiting: an incomplete line has no
    /// meaning yet.
    pub(crate) fn interruption(&mut self) -> Option<PayError> {
        let line = match self.stream.set_nonblocking(true) {
            Ok(()) => self.next_line(Awaited::Solution, |_| Ok(())),
            Err(error) => Err(PayError::Broken(error)),
        };
        let blocking = self.stream.set_nonblocking(false);
        match (line, blocking) {
            (Ok(Some(line)), _) => Some(match payload(line, Command::Error) {
                Ok(text) => PayError::Refused(text),
                Err(error) => error,
            }),
            (Ok(None), Ok(())) => None,
            (Err(error), _) => Some(error),
            (_, Err(error)) => Some(PayError::Broken(error)),
        }
    }

    /// Ends the conversation. Returns the connection, and the bytes that arrived after the last line.
    pub(crate) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.unread)
    }

    fn send(&mut self, message: Message<'_>, deadline: Instant) -> Result<(), PayError> {
        let mut line = Vec::new();
        message.write_to(&mut line);
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            let slice = self.slice(deadline, Awaited::Message)?;
            let written = self.stream.set_write_timeout(Some(slice));
            match written.and_then(|()| self.stream.write(rest)) {
                Ok(0) => return Err(PayError::Broken(ErrorKind::WriteZero.into())),
                Ok(len) => rest = rest.get(len..).unwrap_or_default(),
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(PayError::Broken(error)),
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        wanted: Command,
        awaited: Awaited,
        deadline: Instant,
    ) -> Result<Vec<u8>, PayError> {
        loop {
            // The loop ends with a line, or with the error of a deadline or a cancel.
            let cancel = self.cancel.clone();
            let line = self.next_line(awaited, |stream| {
                let slice = slice(&cancel, deadline, awaited)?;
                let set = stream.set_read_timeout(Some(slice));
                set.map_err(PayError::Broken)
            })?;
            if let Some(line) = line {
                return payload(line, wanted);
            }
        }
    }

    /// Returns the next line, or `None` when a read would block or its timeout has passed. `prepare` is
    /// called before each read.
    fn next_line(
        &mut self,
        awaited: Awaited,
        prepare: impl Fn(&TcpStream) -> Result<(), PayError>,
    ) -> Result<Option<Vec<u8>>, PayError> {
        let mut buffer = [0; 4096];
        loop {
            let unread = std::mem::take(&mut self.unread);
            let mut input = unread.as_slice();
            match self.lines.next_line(&mut input) {
                Ok(Some(line)) => {
                    let line = line.into_owned();
                    self.unread = input.to_vec();
                    return Ok(Some(line));
                }
                Ok(None) => {}
                Err(LineTooLong) => return Err(PayError::LineTooLong),
            }
            prepare(&self.stream)?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(PayError::Closed(awaited)),
                Ok(len) => self.unread.extend(buffer.iter().take(len)),
                Err(error) if is_pause(&error) => return Ok(None),
                Err(error) => return Err(PayError::Broken(error)),
            }
        }
    }

    fn slice(&self, deadline: Instant, awaited: Awaited) -> Result<Duration, PayError> {
        slice(&self.cancel, deadline, awaited)
    }
}

/// Returns the payload of a line that has to be a message with the command `wanted`.
fn payload(line: Vec<u8>, wanted: Command) -> Result<Vec<u8>, PayError> {
    match Message::parse(&line) {
        Ok(Message { command, payload }) if command == wanted => Ok(payload.to_vec()),
        Ok(Message {
            command: Command::Error,
            payload,
        }) => Err(PayError::Refused(payload.to_vec())),
        Ok(_) | Err(_) => Err(PayError::Unexpected(line)),
    }
}

/// Returns how long one system call may wait before the next look at the cancel handle. It is at least
/// one millisecond: a socket timeout of zero is an error.
///
/// # Errors
/// [`PayError::NoAnswer`] after `deadline`, and [`PayError::Cancelled`].
fn slice(cancel: &Cancel, deadline: Instant, awaited: Awaited) -> Result<Duration, PayError> {
    cancel.check()?;
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(PayError::NoAnswer(awaited));
    }
    Ok(left.clamp(Duration::from_millis(1), TICK))
}

/// Returns whether a call returned without a result, but may have one later. Systems report a socket
/// timeout as either kind.
fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
