//! One connection's socket, with what it still has to send. It knows no protocol: what arrives goes
//! to the session, and what the session answers goes out.

use std::io::{self, ErrorKind};

use mio::{Interest, Registry, Token};

use crate::limits::Standing;
use crate::moment::Now;
use crate::responder::Responder;
use crate::session::{End, Session};
use crate::socket::Socket;
use crate::timer_wheel::TimerId;
use crate::turn::{Rules, Turn};

/// Reads for one connection in one turn of the loop: a peer that sends as fast as it can gets no
/// more of the loop's time than this, and its next turn after everybody else's.
const READS_PER_TURN: usize = 4;

/// Room for what is read in one call.
const READ_BUFFER_LEN: usize = 16 * 1024;

/// Bytes that are read away after the last answer, so that a peer that is still sending can receive
/// it. A peer that sends more is cut off: it bounds the work done for somebody already refused.
const MAX_DISCARDED: u32 = 1 << 20;

/// The same for all connections in one turn: of many that send on and on, most are cut off at once.
const DISCARDED_PER_TURN: u32 = 1 << 18;

/// The longest answer that certainly leaves in one piece. Whoever has it needs nothing more, and is
/// closed on at once; after a longer one the peer is waited for, because what it sends to a closed
/// socket would make the network drop what has not arrived yet.
const MAX_PROMPT_ANSWER: usize = 1024;

/// An open connection. 120 bytes, and a buffer only while there is something in it.
pub struct Connection<S> {
    socket: S,
    /// The protocol's state.
    pub session: Session,
    /// Answers that the socket did not take yet; set by `send`. While there are any nothing is read,
    /// so it holds at most the answers to one read.
    outbox: Box<[u8]>,
    /// The timer of the session's deadline; set by the table of connections.
    pub timer: TimerId,
    /// Bytes that came after the last answer.
    discarded: u32,
    /// Whether nothing more is to be read: the peer has ended its stream, has nothing more to say, or
    /// has sent too much after its last answer.
    read_is_over: bool,
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

/// What all connections use, one after the other.
pub struct Shared {
    /// What every session is held to.
    pub rules: Rules,
    /// What answers for every session.
    pub responder: Responder,
    /// Room for what is read.
    buffer: Box<[u8]>,
    /// Bytes that may yet be read away in this turn.
    discardable: u32,
}

/// What an event said of a socket.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness {
    /// The peer has ended its stream: the end comes after the bytes that are left.
    pub read_closed: bool,
}

impl Shared {
    /// For sessions under `rules` that `responder` answers for.
    pub fn new(rules: Rules, responder: Responder) -> Self {
        Self {
            rules,
            responder,
            buffer: vec![0; READ_BUFFER_LEN].into_boxed_slice(),
            discardable: DISCARDED_PER_TURN,
        }
    }

    /// A turn of the loop begins.
    pub const fn begin_turn(&mut self) {
        self.discardable = DISCARDED_PER_TURN;
    }
}

impl<S: Socket> Connection<S> {
    /// A connection on `socket`.
    pub fn new(socket: S, session: Session) -> Self {
        Self {
            socket,
            session,
            outbox: Box::default(),
            timer: TimerId::NONE,
            discarded: 0,
            read_is_over: false,
            write_is_shut: false,
            rearm: false,
        }
    }

    /// Bytes of answers that the socket did not take yet.
    pub const fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// How far it has come, for whoever weighs connections against each other.
    pub const fn standing(&self) -> Standing {
        match self.session.end() {
            None if self.session.holds_puzzle() => Standing::Puzzled,
            None => Standing::Fresh,
            Some(End::Refused | End::Left) if self.outbox.is_empty() => Standing::Lingering,
            Some(End::Served | End::Refused | End::Left) => Standing::Delivering,
        }
    }

    /// Starts to wait for its peer's first bytes, under `token`.
    ///
    /// # Errors
    /// The operating system's.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Moves what it can in both directions, within the turn's budget.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn on_ready(
        &mut self,
        readiness: Readiness,
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<()> {
        self.send(&[])?;
        for _ in 0..READS_PER_TURN {
            if !self.outbox.is_empty() || self.read_is_over {
                return Ok(());
            }
            let len = match self.socket.read(&mut shared.buffer) {
                Ok(0) => {
                    self.read_is_over = true;
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
            let emptied = len < shared.buffer.len() && !readiness.read_closed;
            self.on_bytes(len, emptied, shared, now)?;
            if emptied {
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
        shared: &mut Shared,
        now: Now,
        act: impl FnOnce(&mut Session, &mut Turn<'_>),
    ) -> io::Result<()> {
        let mut turn = Turn::new(now, &shared.rules, &mut shared.responder);
        act(&mut self.session, &mut turn);
        self.send_from(&mut shared.responder)
    }

    /// Ends our stream once the last answer is on its way, and asks for the next event where there
    /// is one to ask for. With `linger` a peer that is still sending may do so until its deadline:
    /// closing on it would make the network drop the answer.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn settle(&mut self, registry: &Registry, token: Token, linger: bool) -> io::Result<Fate> {
        if self.session.end().is_some() && self.outbox.is_empty() {
            if self.read_is_over {
                return Ok(Fate::Close);
            }
            if !self.write_is_shut {
                self.socket.shutdown_write()?;
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

    /// The first `len` bytes of the buffer came; with `emptied` they are all there were.
    fn on_bytes(
        &mut self,
        len: usize,
        emptied: bool,
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<()> {
        let Shared {
            rules,
            responder,
            buffer,
            discardable,
        } = shared;
        responder.metrics.received += len as u64;
        let mut input = &buffer[..len];
        if self.session.end().is_none() {
            self.session
                .on_bytes(&mut input, &mut Turn::new(now, rules, responder));
            self.read_is_over = self.session.end() == Some(End::Served)
                && emptied
                && input.is_empty()
                && responder.outgoing().len() <= MAX_PROMPT_ANSWER;
            self.send_from(responder)?;
        }
        if self.session.end().is_some() {
            self.discarded += input.len() as u32;
            *discardable = discardable.saturating_sub(input.len() as u32);
            self.read_is_over |= self.discarded > MAX_DISCARDED || *discardable == 0;
        }
        Ok(())
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

/// Tells a newcomer for whom there is no room what `responder` has to say. What it has sent already is
/// read away once, so that closing does not make the network drop the answer. It takes no slot, no
/// timer and no wait.
pub fn turn_away(mut socket: impl Socket, shared: &mut Shared) {
    // The newcomer is gone either way; a fault of its socket changes nothing.
    let _ = socket.write(shared.responder.outgoing());
    let _ = socket.read(&mut shared.buffer);
    shared.responder.sent();
}
