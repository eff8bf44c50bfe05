//! One connection: its socket, its session, and the answers that the socket has not taken yet. What
//! arrives goes to the session, and what the session replies goes out.

mod header;
mod readiness;

use std::io;
use std::net::SocketAddr;

use mio::{Interest, Registry, Token};

pub use header::{HeaderStep, Preread};
pub use readiness::Readiness;

use super::io::{Fate, INPUT, Socket, read, write};
use super::shared::Shared;
use crate::admission::Standing;
use crate::protocol::proxy_header::HeaderParser;
use crate::protocol::{End, Reply, Sale, Session};
use crate::relay::{Entrant, Pass};
use crate::time::{Now, TimerId};

/// Reads for one connection in one turn of the loop. It stops a peer that sends as fast as it can from
/// delaying all others.
const READS_PER_TURN: usize = 4;

/// Room for one read. What a client sends after its last answer is discarded in reads of this size.
const READ_BUFFER_LEN: usize = 16 * 1024;

/// Room for one read while the client may still get answers: eight of the longest lines. It bounds the
/// answers to one read, in time and in memory, where `--max-puzzles` is large: a request is 3 bytes.
const OPEN_READ_LEN: usize = 4 * 1024;

/// Bytes that are read and discarded after the last answer, so that a peer that is still sending
/// receives it. It bounds the work for a peer that never stops.
const MAX_DISCARDED: u32 = 1 << 20;

/// An answer up to this size is sent whole, so the connection is closed at once. After a longer one we
/// linger: data that reaches a closed socket triggers an RST, which aborts delivery of the rest.
const MAX_PROMPT_ANSWER: usize = 1024;

/// Creates the buffer that connections read into, one after the other.
pub(super) fn read_buffer() -> Box<[u8]> {
    vec![0; READ_BUFFER_LEN].into_boxed_slice()
}

/// An open connection. It owns a buffer only while there are bytes in it.
pub struct Connection<S> {
    socket: S,
    /// The protocol's state.
    pub session: Session,
    /// Answers that the socket did not take yet. While there are any nothing is read, so they are at
    /// most the answers to one read.
    outbox: Box<[u8]>,
    input: Input,
    /// The address to which the client has connected, if a PROXY protocol header has named one.
    pub destination: Option<Box<SocketAddr>>,
    /// The timer of the session's deadline; set by the table of connections.
    pub timer: TimerId,
    /// Whether the poll must be asked for another event, because the kind of event changes or because
    /// the turn's budget ended before the socket would block.
    rearm: bool,
}

/// Why a client is relayed, and the bytes that it has sent for the upstream.
#[derive(Debug)]
struct Earnest {
    pass: Pass,
    early: Box<[u8]>,
}

/// What is done with the bytes of the peer.
#[derive(Debug)]
enum Input {
    /// They are a PROXY protocol header.
    Header(Box<HeaderParser>),
    /// They go to the session.
    Open,
    /// Our FIN is sent; they are discarded, so far this many.
    Draining(u32),
    /// The client is to be relayed. Nothing more is read here, because it belongs to the upstream.
    Relay(Box<Earnest>),
    /// Nothing more is read: the stream ended, too much was discarded, or the client has got its
    /// resource and sent nothing after its stamp.
    Finished,
}

impl<S: Socket> Connection<S> {
    /// Creates a connection on `socket`.
    pub fn new(socket: S, session: Session) -> Self {
        Self {
            socket,
            session,
            outbox: Box::default(),
            input: Input::Open,
            destination: None,
            timer: TimerId::NONE,
            rearm: false,
        }
    }

    /// Returns the number of bytes that the socket did not take yet.
    pub fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Returns the progress of the connection, for the limits.
    pub fn standing(&self) -> Standing {
        match self.session.end() {
            None if self.session.holds_puzzle() => Standing::Puzzled,
            None => Standing::Fresh,
            Some(_) if self.outbox.is_empty() => Standing::Lingering,
            Some(_) => Standing::Delivering,
        }
    }

    /// Takes a connection apart whose client is to be relayed; otherwise returns it unchanged.
    pub fn into_entrant(self) -> Result<Entrant<S>, Self> {
        let client = self.session.client();
        match self.input {
            Input::Relay(earnest) => {
                let Earnest { pass, early } = *earnest;
                Ok(Entrant {
                    socket: self.socket,
                    client,
                    pass,
                    destination: self.destination.map(|destination| *destination),
                    early,
                    unsent: self.outbox,
                })
            }
            _ => Err(self),
        }
    }

    /// Makes closing the connection a reset.
    pub fn reset_on_close(&self) {
        self.socket.set_reset_on_close(true);
    }

    /// Returns whether the connection is to become a relay.
    pub fn is_relay(&self) -> bool {
        matches!(self.input, Input::Relay(_))
    }

    /// Creates a connection that has `unsent` bytes to send, with a session that has ended.
    pub fn with_unsent(socket: S, session: Session, unsent: Box<[u8]>) -> Self {
        Self {
            outbox: unsent,
            ..Self::new(socket, session)
        }
    }

    /// Registers the socket under `token`, to wait for the peer's first bytes.
    ///
    /// # Errors
    /// The operating system's.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, INPUT)
    }

    /// Moves bytes in both directions, within the turn's budget. `preread` are bytes of the peer that are in
    /// `buffer` already.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn transfer(
        &mut self,
        readiness: Readiness,
        preread: Option<Preread>,
        buffer: &mut [u8],
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<()> {
        self.send(&[])?;
        if let Some(Preread { range, emptied }) = preread {
            self.receive(&buffer[range], emptied, shared, now)?;
            if emptied && !readiness.unannounced {
                return Ok(());
            }
        }
        for _ in 0..READS_PER_TURN {
            let is_reading = matches!(self.input, Input::Open | Input::Draining(_));
            if !is_reading || !self.outbox.is_empty() {
                return Ok(());
            }
            let room = if self.session.end().is_none() {
                &mut buffer[..OPEN_READ_LEN]
            } else {
                &mut *buffer
            };
            let room_len = room.len();
            let len = match read(&mut self.socket, room)? {
                None => return Ok(()),
                Some(0) => {
                    self.input = Input::Finished;
                    self.session.on_eof(now.moment);
                    return Ok(());
                }
                Some(len) => len,
            };
            // A read that does not fill the buffer has emptied the socket, and later bytes are a new
            // event (epoll(7), question 9). That saves the read that would block, one in three.
            let emptied = len < room_len && !readiness.may_be_short();
            self.receive(&buffer[..len], emptied, shared, now)?;
            // Bytes behind urgent data may be a stamp, so an open session is read until it would block.
            let may_have_more = readiness.unannounced && self.session.end().is_none();
            if emptied && !may_have_more {
                return Ok(());
            }
        }
        self.rearm = true;
        Ok(())
    }

    /// Sends `reply`, which the session gave to something other than bytes.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn answer(&mut self, reply: &Reply<'_>, shared: &mut Shared, now: Now) -> io::Result<()> {
        shared.answer(now, self.session.client(), reply);
        self.send_outgoing(shared)
    }

    /// Sends our FIN once the last answer is sent, and asks the poll for the next event where needed.
    /// With `linger` a peer that is still sending may do so until its deadline.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn finish_turn(
        &mut self,
        registry: &Registry,
        token: Token,
        linger: bool,
    ) -> io::Result<Fate> {
        if self.session.end().is_some() && self.outbox.is_empty() {
            if self.session.end() == Some(End::Unnamed) {
                return Ok(Fate::Close);
            }
            if let Input::Open | Input::Header(_) = self.input {
                self.socket.shutdown_write()?;
                self.input = Input::Draining(0);
            }
            if !linger || matches!(self.input, Input::Finished) {
                return Ok(Fate::Close);
            }
        }
        if std::mem::take(&mut self.rearm) {
            // With an unsent answer only for writing: unread bytes would be an event in every turn.
            let interest = if self.outbox.is_empty() {
                INPUT
            } else {
                Interest::WRITABLE
            };
            registry.reregister(&mut self.socket, token, interest)?;
        }
        Ok(Fate::Keep)
    }

    /// Handles bytes of the peer. If `emptied`, the socket has no more of them.
    fn receive(
        &mut self,
        bytes: &[u8],
        emptied: bool,
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<()> {
        shared.metrics.received += bytes.len() as u64;
        if let Input::Draining(discarded) = &mut self.input {
            *discarded += bytes.len() as u32;
            if *discarded > MAX_DISCARDED || !shared.discard(bytes.len()) {
                self.input = Input::Finished;
            }
            return Ok(());
        }
        let mut input = bytes;
        let client = self.session.client();
        let service = shared.service(client.ip().into());
        loop {
            let mut sale = Sale {
                rules: &shared.rules,
                service,
                mint: &mut shared.mint,
                pricing: &mut shared.pricing,
            };
            let session = &mut self.session;
            let reply = session.next_reply(&mut input, now.moment, &mut sale);
            let Some(reply) = reply else {
                break;
            };
            shared.answer(now, client, &reply);
            if let Reply::Paid(payment) = reply {
                let early = input.into();
                let pass = Pass::Paid(payment);
                self.input = Input::Relay(Box::new(Earnest { pass, early }));
                return self.send_outgoing(shared);
            }
        }
        if let Some(end) = self.session.end() {
            let is_prompt = shared.outgoing.len() <= MAX_PROMPT_ANSWER;
            let is_done = end == End::Served && emptied && input.is_empty() && is_prompt;
            if is_done || !shared.discard(input.len()) {
                self.input = Input::Finished;
            }
        }
        self.send_outgoing(shared)
    }

    fn send_outgoing(&mut self, shared: &mut Shared) -> io::Result<()> {
        let outgoing = std::mem::take(&mut shared.outgoing);
        let result = if outgoing.is_empty() {
            Ok(())
        } else {
            self.send(&outgoing)
        };
        shared.metrics.sent += outgoing.len() as u64;
        shared.outgoing = outgoing;
        shared.outgoing.clear();
        result
    }

    /// Sends the outbox, then `bytes`; what the socket does not take goes to the outbox.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.outbox);
        let sent = write(&mut self.socket, &waiting)?;
        self.outbox = if sent == waiting.len() {
            let sent = write(&mut self.socket, bytes)?;
            bytes[sent..].into()
        } else {
            [&waiting[sent..], bytes].concat().into()
        };
        self.rearm |= waiting.is_empty() != self.outbox.is_empty();
        Ok(())
    }
}

/// Answers a newcomer that gets no slot, and closes. What it has already sent is read once, so that
/// closing does not trigger an RST that aborts delivery of the answer. It takes no slot and no timer.
pub(super) fn turn_away(mut socket: impl Socket, buffer: &mut [u8], shared: &mut Shared) {
    // The newcomer is closed in any case, so an error of its socket changes nothing.
    let _ = write(&mut socket, &shared.outgoing);
    let _ = read(&mut socket, buffer);
    shared.metrics.sent += shared.outgoing.len() as u64;
    shared.outgoing.clear();
}
