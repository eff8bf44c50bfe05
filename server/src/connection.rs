//! One connection's socket, with what it still has to send. It knows no protocol: what arrives goes
//! to the session, and what the session answers goes out.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::moment::Now;
use crate::responder::Responder;
use crate::session::{End, Session};
use crate::timer_wheel::TimerId;
use crate::turn::{Rules, Turn};

/// Reads for one connection in one turn of the loop: a peer that sends as fast as it can gets no
/// more of the loop's time than this, and its next turn after everybody else's.
const READS_PER_TURN: usize = 4;

/// Bytes that are read away after the last answer, so that a peer that is still sending can receive
/// it. A peer that sends more is cut off: it bounds the work done for somebody already refused.
const MAX_DISCARDED: u32 = 1 << 20;

/// The longest answer that certainly leaves in one piece. Whoever has it needs nothing more, and is
/// closed on at once; after a longer one the peer is waited for, because what it sends to a closed
/// socket would make the network drop what has not arrived yet.
const MAX_PROMPT_ANSWER: usize = 1024;

/// An open connection. 152 bytes, and a buffer only while there is something in it.
pub struct Connection {
    socket: TcpStream,
    /// The protocol's state.
    pub session: Session,
    /// Answers that the socket did not take yet; set by `send`. While there are any nothing is read,
    /// so it holds at most the answers to one read.
    outbox: Box<[u8]>,
    /// The timer of the session's deadline; set by the table of connections.
    pub timer: TimerId,
    /// Bytes that came after the last answer.
    discarded: u32,
    /// Whether the peer has ended its stream, or has nothing more to send.
    peer_is_done: bool,
    /// Whether our stream was ended.
    write_is_shut: bool,
    /// Whether the poll must be asked for the next event: because it is of another kind than the one
    /// before, or because this turn ended before the socket had no more to give.
    rearm: bool,
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It waits for its peer or its deadline.
    Keep,
    /// Nothing is owed to it any more.
    Close,
}

/// What an event said of a socket.
#[derive(Debug, Clone, Copy)]
pub struct Readiness {
    /// The peer has ended its stream: the end comes after the bytes that are left.
    pub read_closed: bool,
}

impl Connection {
    /// A connection on `socket`.
    pub fn new(socket: TcpStream, session: Session) -> Self {
        Self {
            socket,
            session,
            outbox: Box::default(),
            timer: TimerId::NONE,
            discarded: 0,
            peer_is_done: false,
            write_is_shut: false,
            rearm: false,
        }
    }

    /// Starts to wait for its peer's first bytes, under `token`.
    ///
    /// # Errors
    /// The operating system's.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Moves what it can in both directions, within the turn's budget. `buffer` is a room for what
    /// is read.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn on_ready(
        &mut self,
        readiness: Readiness,
        buffer: &mut [u8],
        rules: &Rules,
        responder: &mut Responder,
        now: Now,
    ) -> io::Result<()> {
        self.send(&[])?;
        for _ in 0..READS_PER_TURN {
            if !self.outbox.is_empty() || self.peer_is_done {
                return Ok(());
            }
            let len = match self.socket.read(buffer) {
                Ok(0) => {
                    self.peer_is_done = true;
                    self.session.on_eof(now);
                    return Ok(());
                }
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            // A read that does not fill the buffer has emptied the socket, and what comes later is a
            // new event (epoll(7), question 9). It saves the read that would say so, one in three.
            let emptied = len < buffer.len() && !readiness.read_closed;
            let mut input = &buffer[..len];
            if self.session.end().is_none() {
                self.session
                    .on_bytes(&mut input, &mut Turn::new(now, rules, responder));
                self.peer_is_done = self.session.end() == Some(End::Served)
                    && emptied
                    && input.is_empty()
                    && responder.outgoing().len() <= MAX_PROMPT_ANSWER;
                self.send_from(responder)?;
            }
            if self.session.end().is_some() {
                self.discarded += input.len() as u32;
            }
            if emptied || self.discarded > MAX_DISCARDED {
                return Ok(());
            }
        }
        self.rearm = true;
        Ok(())
    }

    /// Lets the session act, and sends what it answers.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn step(
        &mut self,
        rules: &Rules,
        responder: &mut Responder,
        now: Now,
        act: impl FnOnce(&mut Session, &mut Turn<'_>),
    ) -> io::Result<()> {
        act(&mut self.session, &mut Turn::new(now, rules, responder));
        self.send_from(responder)
    }

    /// Ends our stream once the last answer is on its way, and asks for the next event where there
    /// is one to ask for. With `linger` a peer that is still sending may do so until its deadline:
    /// closing on it would make the network drop the answer.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn settle(&mut self, registry: &Registry, token: Token, linger: bool) -> io::Result<Fate> {
        if self.session.end().is_some() && self.outbox.is_empty() {
            if self.peer_is_done || self.discarded > MAX_DISCARDED {
                return Ok(Fate::Close);
            }
            if !self.write_is_shut {
                self.socket.shutdown(Shutdown::Write)?;
                self.write_is_shut = true;
            }
            if !linger {
                return Ok(Fate::Close);
            }
        }
        if std::mem::take(&mut self.rearm) {
            let interest = match self.outbox.is_empty() {
                true => Interest::READABLE,
                // Not for reading too: what waits to be read would be an event in every turn.
                false => Interest::WRITABLE,
            };
            registry.reregister(&mut self.socket, token, interest)?;
        }
        Ok(Fate::Keep)
    }

    fn send_from(&mut self, responder: &mut Responder) -> io::Result<()> {
        let result = match responder.outgoing() {
            [] => Ok(()),
            bytes => self.send(bytes),
        };
        responder.sent();
        result
    }

    /// Sends what waits in the outbox, then `bytes`; what the socket does not take waits there.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.outbox);
        let unsent = self.write(&waiting)?;
        if unsent.is_empty() {
            self.outbox = self.write(bytes)?.into();
        } else {
            self.outbox = [unsent, bytes].concat().into();
        }
        self.rearm |= waiting.is_empty() != self.outbox.is_empty();
        Ok(())
    }

    /// Writes until the socket takes no more; returns what is left.
    fn write<'a>(&mut self, mut bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(len) => bytes = &bytes[len..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }
}

/// Tells a newcomer for whom there is no room why, and what it has sent already is read away once, so
/// that closing does not make the network drop the answer. It takes no slot, no timer and no wait.
pub fn turn_away(socket: &mut TcpStream, answer: &[u8], buffer: &mut [u8]) {
    // The newcomer is gone either way; a fault of its socket changes nothing.
    let _ = socket.write(answer);
    let _ = socket.shutdown(Shutdown::Write);
    let _ = socket.read(buffer);
}
