//! One handshake of a load: connect, ask, receive a puzzle, pay, receive the resource. It never blocks,
//! and it does not solve the puzzle.
//!
//! ```text
//! Silent -> Connecting -> AwaitsPuzzle -> HoldsPuzzle -> AwaitsResource
//! ```

use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::num::NonZero;
use std::time::Instant;

use mio::net::TcpStream;
use powtcp_common::hashcash::{Challenge, Kernel, Watch, solve};
use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::log_line::escape;
use powtcp_common::message::{Command, MAX_SERVER_LINE, Message};
use powtcp_server::net::io::{read, write};

use crate::driver::dial;

/// The hardest puzzle that is solved. A thread takes about a second for it, and a harder one would
/// measure the solver.
const MAX_BITS: u8 = 24;
/// The part of an error text that names a kind of failure. It bounds the table of failures.
const MAX_REASON: usize = 80;

/// A handshake in progress.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) socket: TcpStream,
    /// The address that it connects from.
    pub(crate) source: Ipv4Addr,
    /// The start of its latency and its timeout.
    pub(crate) started: Instant,
    stage: Stage,
    lines: LineBuffer<MAX_SERVER_LINE>,
    /// Bytes that arrived together with the puzzle, after its line.
    unread: Box<[u8]>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// It ignores the server until it is told to ask.
    Silent,
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
    /// The handshake failed; the text names the kind of failure.
    Failed(String),
}

impl Exchange {
    /// Creates an exchange on a socket that is about to connect. It asks as soon as it is connected.
    pub(crate) fn new(socket: TcpStream, source: Ipv4Addr, started: Instant) -> Self {
        Self {
            socket,
            source,
            started,
            stage: Stage::Connecting,
            lines: LineBuffer::new(),
            unread: Box::default(),
        }
    }

    /// Creates an exchange that sends nothing before [`ask`](Self::ask).
    pub(crate) fn silent(socket: TcpStream, source: Ipv4Addr) -> Self {
        Self {
            stage: Stage::Silent,
            ..Self::new(socket, source, Instant::now())
        }
    }

    /// Asks for a puzzle, now or as soon as the socket is connected. The answer comes with an event.
    pub(crate) fn ask(&mut self, now: Instant) -> Option<Progress> {
        self.started = now;
        self.stage = Stage::Connecting;
        self.connect(false)
    }

    /// Goes on as far as the socket allows. `readable` says whether there may be something to read.
    /// Returns `None` if the exchange waits for the server.
    pub(crate) fn on_event(&mut self, readable: bool, buffer: &mut [u8]) -> Option<Progress> {
        match self.stage {
            Stage::Silent => None,
            Stage::Connecting => {
                let progress = self.connect(readable);
                if progress.is_some() || !readable {
                    return progress;
                }
                self.receive(buffer)
            }
            Stage::AwaitsPuzzle | Stage::HoldsPuzzle | Stage::AwaitsResource => {
                self.receive(buffer)
            }
        }
    }

    /// Sends `stamp`, and goes on.
    pub(crate) fn pay(&mut self, stamp: &[u8], buffer: &mut [u8]) -> Option<Progress> {
        self.stage = Stage::AwaitsResource;
        let progress = self.send(Command::RequestResource, stamp);
        if progress.is_some() {
            return progress;
        }
        // The poll reports only new bytes: some may be here since the puzzle was.
        self.receive(buffer)
    }

    /// Sends the request if the socket is connected.
    fn connect(&mut self, readable: bool) -> Option<Progress> {
        match dial::is_connected(&self.socket) {
            Ok(false) => None,
            Ok(true) => {
                self.stage = Stage::AwaitsPuzzle;
                let progress = self.send(Command::RequestPuzzle, b"");
                // If the server has sent something, it says more than a failed write.
                progress.filter(|_| !readable)
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
                Ok(Some(0)) => Some(Progress::Failed("closed by the server".to_string())),
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
            Err(LineTooLong) => return Some(Progress::Failed("line too long".to_string())),
        };
        self.unread = bytes.into();
        Some(self.on_line(&line))
    }

    fn on_line(&mut self, line: &[u8]) -> Progress {
        let Ok(Message { command, payload }) = Message::parse(line) else {
            return Progress::Failed("unexpected message".to_string());
        };
        match (self.stage, command) {
            (_, Command::Error) => {
                let mut text = "refused: ".to_string();
                escape(&mut text, &payload[..payload.len().min(MAX_REASON)]);
                Progress::Failed(text)
            }
            (Stage::AwaitsPuzzle, Command::ResponsePuzzle) => match Challenge::parse(payload) {
                Ok(challenge) if challenge.difficulty().bits() > MAX_BITS => {
                    Progress::Failed(format!("puzzle harder than {MAX_BITS} bits"))
                }
                Ok(challenge) => {
                    self.stage = Stage::HoldsPuzzle;
                    Progress::Puzzle(challenge)
                }
                Err(error) => Progress::Failed(format!("bad puzzle: {error}")),
            },
            (Stage::AwaitsResource, Command::ResponseResource) => Progress::Served,
            _ => Progress::Failed("unexpected message".to_string()),
        }
    }

    /// Sends a message. It is small enough for the empty buffer of a socket.
    fn send(&mut self, command: Command, payload: &[u8]) -> Option<Progress> {
        let mut line = Vec::new();
        Message { command, payload }.write_to(&mut line);
        match write(&mut self.socket, &line) {
            Ok(len) if len == line.len() => None,
            Ok(_) => Some(Progress::Failed("write: cut short".to_string())),
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
    Progress::Failed(format!("{what}: {error}"))
}
