//! One handshake of a load: connect, ask, receive a puzzle, pay, receive the resource. It never blocks,
//! and it does not solve the puzzle.
//!
//! ```text
//! Quiet -> Connecting -> AwaitsPuzzle -> HoldsPuzzle -> AwaitsResource
//!                   `------------------------------------^  with a stamp
//! ```

use std::io;
use std::mem;
use std::num::NonZero;
use std::time::Instant;

use mio::net::TcpStream;
use powtcp_common::hashcash::{Challenge, Kernel, Watch, solve};
use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::message::{Command, MAX_SERVER_LINE, Message};
use powtcp_server::net::io::{read, write};

use super::failure::Failure;
use crate::driver::dial::{self, Dialed};

/// The hardest puzzle that is solved. A thread takes about a second for it, and a harder one would
/// measure the solver.
pub(crate) const MAX_BITS: u8 = 24;

/// A handshake in progress.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) socket: TcpStream,
    /// Names the client in the news of the driver.
    pub(crate) client: u64,
    /// The start of its latency and its timeout.
    pub(crate) started: Instant,
    /// What the client sends before its first message.
    header: Vec<u8>,
    stage: Stage,
    /// The stamp that is the first message; without it, the first message is a request.
    stamp: Option<Vec<u8>>,
    lines: LineBuffer<MAX_SERVER_LINE>,
    /// Bytes that arrived together with the puzzle, after its line.
    unread: Box<[u8]>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// It sends no message until it is told to begin.
    Quiet,
    Connecting,
    AwaitsPuzzle,
    HoldsPuzzle,
    AwaitsResource,
}

/// A step of a handshake.
#[derive(Debug)]
pub(crate) enum Progress {
    /// The puzzle arrived.
    Puzzle(Challenge),
    /// The resource arrived.
    Served,
    /// The connection ended without an answer to the handshake.
    Failed(Failure),
}

/// The first message of a connection.
#[derive(Debug)]
pub(crate) enum First {
    /// None before [`Exchange::begin`].
    Later,
    /// A request for a puzzle.
    Request,
    /// A stamp for a puzzle that an earlier connection got.
    Stamp(Vec<u8>),
}

impl Exchange {
    /// Creates an exchange of `client` on a socket that is about to connect.
    pub(crate) fn new(dialed: Dialed, client: u64, started: Instant, first: First) -> Self {
        let Dialed { socket, header } = dialed;
        let (stage, stamp) = match first {
            First::Later => (Stage::Quiet, None),
            First::Request => (Stage::Connecting, None),
            First::Stamp(stamp) => (Stage::Connecting, Some(stamp)),
        };
        Self {
            socket,
            client,
            started,
            header,
            stage,
            stamp,
            lines: LineBuffer::new(),
            unread: Box::default(),
        }
    }

    /// Sends the first message of a quiet exchange, now or as soon as the socket is connected: `stamp`,
    /// or a request for a puzzle. The answer comes with an event.
    pub(crate) fn begin(&mut self, stamp: Option<Vec<u8>>) -> Option<Progress> {
        self.stage = Stage::Connecting;
        self.stamp = stamp;
        self.connect()
    }

    /// Goes on as far as the socket allows. `readable` says whether there may be something to read.
    /// Returns `None` if the exchange waits for the server.
    pub(crate) fn on_event(&mut self, readable: bool, buffer: &mut [u8]) -> Option<Progress> {
        match self.stage {
            Stage::Quiet | Stage::Connecting => {
                let failed = self.connect();
                // A server that is busy says so before it is asked, and its reason says more than a
                // failure of the connection.
                match readable.then(|| self.receive(buffer)).flatten() {
                    Some(Progress::Failed(failure)) if !failure.is_refusal() => {
                        failed.or(Some(Progress::Failed(failure)))
                    }
                    said => said.or(failed),
                }
            }
            Stage::AwaitsPuzzle | Stage::HoldsPuzzle | Stage::AwaitsResource => {
                self.receive(buffer)
            }
        }
    }

    /// Sends `stamp`, and goes on.
    pub(crate) fn pay(&mut self, stamp: &[u8], buffer: &mut [u8]) -> Option<Progress> {
        self.stage = Stage::AwaitsResource;
        let failed_write = self.send(Command::RequestResource, stamp);
        // The poll reports only new bytes: some may be here since the puzzle was. They are read after a
        // failed write too, because they tell why the server closed.
        self.receive(buffer).or(failed_write)
    }

    /// Sends the first message if the socket is connected and it is time for it.
    fn connect(&mut self) -> Option<Progress> {
        match dial::is_connected(&self.socket) {
            Ok(false) => None,
            // A balancer sends its header at once, even if the client does not say anything.
            Ok(true) if matches!(self.stage, Stage::Quiet) => {
                let header = mem::take(&mut self.header);
                self.write(&header)
            }
            Ok(true) => {
                if let Some(stamp) = self.stamp.take() {
                    self.stage = Stage::AwaitsResource;
                    self.send(Command::RequestResource, &stamp)
                } else {
                    self.stage = Stage::AwaitsPuzzle;
                    self.send(Command::RequestPuzzle, b"")
                }
            }
            Err(error) => Some(failed("connect", &error)),
        }
    }

    /// Reads until a message is complete or the socket is empty.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<Progress> {
        let unread = mem::take(&mut self.unread);
        let mut progress = self.on_bytes(&unread);
        while progress.is_none() {
            progress = match read(&mut self.socket, buffer) {
                Ok(None) => return None,
                Ok(Some(0)) => Some(Progress::Failed(Failure::closed())),
                Ok(Some(len)) => self.on_bytes(&buffer[..len]),
                Err(error) => Some(failed("read", &error)),
            };
        }
        progress
    }

    /// Takes the first line of `bytes`, and keeps the rest: every line is a step.
    fn on_bytes(&mut self, mut bytes: &[u8]) -> Option<Progress> {
        let line = match self.lines.next_line(&mut bytes) {
            Ok(line) => line?,
            Err(LineTooLong) => return Some(ended("line too long")),
        };
        self.unread = bytes.into();
        Some(self.on_line(&line))
    }

    fn on_line(&mut self, line: &[u8]) -> Progress {
        let Ok(Message { command, payload }) = Message::parse(line) else {
            return ended("unexpected message");
        };
        match (self.stage, command) {
            (_, Command::Error) => Progress::Failed(Failure::refused(payload)),
            (Stage::AwaitsPuzzle, Command::ResponsePuzzle) => match Challenge::parse(payload) {
                Ok(challenge) if challenge.difficulty().bits() > MAX_BITS => {
                    ended(format!("puzzle harder than {MAX_BITS} bits"))
                }
                Ok(challenge) => {
                    self.stage = Stage::HoldsPuzzle;
                    Progress::Puzzle(challenge)
                }
                Err(error) => ended(format!("bad puzzle: {error}")),
            },
            (Stage::AwaitsResource, Command::ResponseResource) => Progress::Served,
            _ => ended("unexpected message"),
        }
    }

    /// Sends a message, after the header if that is not sent yet.
    fn send(&mut self, command: Command, payload: &[u8]) -> Option<Progress> {
        let mut line = mem::take(&mut self.header);
        Message { command, payload }.write_to(&mut line);
        self.write(&line)
    }

    /// Writes bytes. They are few enough for the empty buffer of a socket.
    fn write(&mut self, bytes: &[u8]) -> Option<Progress> {
        match write(&mut self.socket, bytes) {
            Ok(len) if len == bytes.len() => None,
            Ok(_) => Some(ended("write: cut short")),
            Err(error) => Some(failed("write", &error)),
        }
    }
}

/// Returns the stamp that solves `challenge`, found on the calling thread.
pub(crate) fn solved(challenge: &Challenge) -> Vec<u8> {
    let one_thread = NonZero::<usize>::MIN;
    let counter = solve(challenge, Kernel::best(), one_thread, &Watch::new());
    // The search ends without a counter only if it is cancelled.
    challenge.stamp(counter.unwrap_or_default())
}

fn failed(what: &str, error: &io::Error) -> Progress {
    Progress::Failed(Failure::io(what, error))
}

fn ended(kind: impl Into<String>) -> Progress {
    Progress::Failed(Failure::new(kind))
}
