//! One handshake of a load test: connect, ask, solve, pay, receive, without ever blocking.

use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::time::Instant;

use mio::net::TcpStream;
use powtcp_common::hashcash::{Challenge, Kernel, Watch, solve};
use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::log_line::escape;
use powtcp_common::message::{Command, MAX_SERVER_LINE, Message};

use super::dial;

/// The hardest puzzle that is solved: one thread solves for all clients, and takes a second or so for
/// this one.
pub(super) const MAX_BITS: u8 = 24;

/// A handshake under way.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) socket: TcpStream,
    pub(super) started: Instant,
    lines: LineBuffer<MAX_SERVER_LINE>,
    connected: bool,
}

/// What became of a handshake, as far as one event tells.
#[derive(Debug)]
pub(super) enum Step {
    /// It waits for the server.
    Pending,
    /// A puzzle arrived and, if so told, was left unsolved.
    Puzzled,
    /// The resource arrived.
    Done,
    /// It failed; this kind of failure.
    Failed(String),
}

impl Exchange {
    /// A handshake on a socket that is about to connect.
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            started: Instant::now(),
            lines: LineBuffer::new(),
            connected: false,
        }
    }

    /// Goes on as far as the socket allows, which the poll has said to be `readable` or not. With `pay`
    /// a puzzle is solved, without it the exchange ends there.
    pub(super) fn advance(&mut self, readable: bool, buffer: &mut [u8], pay: bool) -> Step {
        if !self.connected {
            match dial::is_connected(&self.socket) {
                Ok(true) => self.connected = true,
                Ok(false) => return Step::Pending,
                Err(error) => return failed("connect", &error),
            }
            let asked = self.say(Command::RequestPuzzle, b"");
            if !readable {
                return asked;
            }
            // The server has said something already: even if it has closed since, that tells why.
        }
        loop {
            let len = match self.socket.read(buffer) {
                Ok(0) => return Step::Failed("closed by the server".to_string()),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Pending,
                Err(error) => return failed("read", &error),
            };
            let mut input = &buffer[..len];
            let answer = match self.lines.next_line(&mut input) {
                Ok(None) => continue,
                Ok(Some(line)) => Answer::read(&line),
                Err(LineTooLong) => return Step::Failed("line too long".to_string()),
            };
            let stamp = match answer {
                Answer::Puzzle(_) if !pay => return Step::Puzzled,
                Answer::Puzzle(challenge) => solved(&challenge),
                Answer::Resource => return Step::Done,
                Answer::Error(text) => return Step::Failed(text),
            };
            match self.say(Command::RequestResource, &stamp) {
                Step::Pending => {}
                other => return other,
            }
        }
    }

    /// Sends a message, so small that a socket always takes it whole.
    fn say(&mut self, command: Command, payload: &[u8]) -> Step {
        let mut line = Vec::new();
        Message { command, payload }.write_to(&mut line);
        match self.socket.write(&line) {
            Ok(len) if len == line.len() => Step::Pending,
            Ok(_) => Step::Failed("write: cut short".to_string()),
            Err(error) => failed("write", &error),
        }
    }
}

/// A line of the server, understood.
enum Answer {
    Puzzle(Challenge),
    Resource,
    /// An error, the server's or about what it sent.
    Error(String),
}

impl Answer {
    fn read(line: &[u8]) -> Self {
        match Message::parse(line) {
            Ok(Message {
                command: Command::ResponsePuzzle,
                payload,
            }) => match Challenge::parse(payload) {
                Ok(challenge) if challenge.difficulty().bits() > MAX_BITS => {
                    Self::Error(format!("puzzle harder than {MAX_BITS} bits"))
                }
                Ok(challenge) => Self::Puzzle(challenge),
                Err(error) => Self::Error(format!("bad puzzle: {error}")),
            },
            Ok(Message {
                command: Command::ResponseResource,
                ..
            }) => Self::Resource,
            Ok(Message {
                command: Command::Error,
                payload,
            }) => {
                let mut text = "refused: ".to_string();
                escape(&mut text, &payload[..payload.len().min(80)]);
                Self::Error(text)
            }
            Ok(_) | Err(_) => Self::Error("unexpected message".to_string()),
        }
    }
}

/// The stamp that solves `challenge`, found on this thread.
pub(super) fn solved(challenge: &Challenge) -> Vec<u8> {
    let counter = solve(
        challenge,
        Kernel::best(),
        NonZero::<usize>::MIN,
        &Watch::new(),
    );
    challenge.stamp(counter.unwrap_or_default())
}

fn failed(what: &str, error: &std::io::Error) -> Step {
    Step::Failed(format!("{what}: {error}"))
}
