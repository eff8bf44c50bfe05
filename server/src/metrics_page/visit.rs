//! One visit of the metrics page: a connection with one request and its response.

use std::io;
use std::net::Shutdown;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::request::Answer;
use crate::net::io::{Fate, read, write};
use crate::telemetry::health::Health;
use crate::time::TimerId;

/// Bytes that are read and discarded after the response, because data that reaches a closed socket
/// triggers an RST, which aborts delivery of the response. The limit stops a visitor that never stops
/// sending.
const MAX_DISCARDED: usize = 64 * 1024;

/// A connection to the metrics page.
pub(super) struct Visit {
    socket: TcpStream,
    phase: Phase,
    pub(super) timer: TimerId,
}

enum Phase {
    /// The received part of the request's head; one read more than a head may have, at most.
    Requesting(Vec<u8>),
    /// The part of the response that is not sent yet.
    Responding(Vec<u8>),
    /// The response is sent; the number of bytes that came after the request.
    Draining(usize),
}

impl Visit {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            phase: Phase::Requesting(Vec::new()),
            timer: TimerId::NONE,
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut self.socket, token, interest)
    }

    /// Continues as far as the socket allows. `page` creates the text of the page.
    pub(super) fn advance(
        &mut self,
        health: Health,
        page: impl FnOnce() -> String,
    ) -> io::Result<Fate> {
        let mut buffer = [0; 1024];
        if let Phase::Requesting(head) = &mut self.phase {
            let answer = loop {
                if let Some(answer) = Answer::to(head) {
                    break answer;
                }
                match read(&mut self.socket, &mut buffer)? {
                    None => return Ok(Fate::Keep),
                    Some(0) => return Ok(Fate::Close),
                    Some(len) => head.extend_from_slice(&buffer[..len]),
                }
            };
            self.phase = Phase::Responding(answer.response(health, page));
        }
        if let Phase::Responding(response) = &mut self.phase {
            let sent = write(&mut self.socket, response)?;
            response.drain(..sent);
            if !response.is_empty() {
                return Ok(Fate::Keep);
            }
            self.socket.shutdown(Shutdown::Write)?;
            self.phase = Phase::Draining(0);
        }
        if let Phase::Draining(discarded) = &mut self.phase {
            while *discarded <= MAX_DISCARDED {
                match read(&mut self.socket, &mut buffer)? {
                    None => return Ok(Fate::Keep),
                    Some(0) => return Ok(Fate::Close),
                    Some(len) => *discarded += len,
                }
            }
        }
        Ok(Fate::Close)
    }
}
