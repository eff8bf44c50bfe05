//! One request to the metrics page, on its own socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::request::Answer;
use crate::timer_wheel::TimerId;

/// Bytes that are read away after the response, for the peer that is still sending.
const MAX_DISCARDED: usize = 64 * 1024;

/// A visitor: it asks, gets a response, and goes.
pub(super) struct Visit {
    socket: TcpStream,
    state: State,
    pub(super) timer: TimerId,
}

enum State {
    /// What came so far of the head of the request, at most what a head may have, and a read.
    Asking(Vec<u8>),
    /// What is left of the response.
    Answering(Vec<u8>),
    /// The response is on its way; so many bytes came after it.
    Leaving(usize),
}

/// What is to become of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Close,
}

impl Visit {
    pub(super) const fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            state: State::Asking(Vec::new()),
            timer: TimerId::NONE,
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut self.socket, token, interest)
    }

    /// Goes on as far as the socket allows. `page` makes the text of the page.
    pub(super) fn on_ready(&mut self, page: impl FnOnce() -> String) -> io::Result<Fate> {
        let mut buffer = [0; 1024];
        if let State::Asking(head) = &mut self.state {
            let answer = loop {
                if let Some(answer) = Answer::to(head) {
                    break answer;
                }
                match read(&mut self.socket, &mut buffer)? {
                    Some(0) => return Ok(Fate::Close),
                    Some(len) => head.extend_from_slice(&buffer[..len]),
                    None => return Ok(Fate::Keep),
                }
            };
            self.state = State::Answering(answer.response(page));
        }
        if let State::Answering(response) = &mut self.state {
            while !response.is_empty() {
                match self.socket.write(response) {
                    Ok(len) => drop(response.drain(..len)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Fate::Keep),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.socket.shutdown(Shutdown::Write)?;
            self.state = State::Leaving(0);
        }
        if let State::Leaving(discarded) = &mut self.state {
            while *discarded <= MAX_DISCARDED {
                match read(&mut self.socket, &mut buffer)? {
                    Some(0) => return Ok(Fate::Close),
                    Some(len) => *discarded += len,
                    None => return Ok(Fate::Keep),
                }
            }
        }
        Ok(Fate::Close)
    }
}

/// `None` where there is nothing to read yet.
fn read(socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match socket.read(buffer) {
            Ok(len) => return Ok(Some(len)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
