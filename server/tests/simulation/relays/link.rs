//! A connection without a network, as TCP on Linux has it: bytes in both directions, room at the receiver, a
//! FIN or an RST of each end, and the events that an edge-triggered poll reports to the server.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use mio::Interest;
use powtcp_server::net::token::Token;
use powtcp_server::relay::{Side, SideEvent};

/// What all connections of a world have in common.
#[derive(Default)]
pub(crate) struct Air {
    /// The virtual clock.
    pub(crate) now: Cell<Duration>,
    /// Sockets that the server has open.
    pub(crate) sockets: Cell<usize>,
    /// The client whose relay dials, if one does.
    pub(crate) dialing: Cell<Option<usize>>,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The server has begun to connect.
    Pending,
    /// The peer has refused.
    Refused,
    Established,
}

/// How the server closed its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    Fin,
    Rst,
}

/// The state of a connection between a peer and the server.
pub(crate) struct Link {
    pub(super) air: Rc<Air>,
    /// The client that the connection belongs to, or is made for.
    pub(crate) client: usize,
    /// It has become a side of a relay.
    pub(crate) is_relayed: bool,
    pub(crate) phase: Phase,
    /// Bytes that have arrived and that the server has not read.
    pub(crate) inbound: VecDeque<u8>,
    /// The peer has ended its stream.
    pub(crate) ended: bool,
    /// The peer takes nothing more: what the server writes now is answered by an RST.
    pub(crate) deaf: bool,
    /// The peer has reset the connection.
    pub(crate) reset: bool,
    /// The error that the system has not reported yet.
    pub(super) error: Option<ErrorKind>,
    /// Bytes that the server has written and the peer has not read.
    pub(super) transit: VecDeque<u8>,
    /// How many of them there may be.
    pub(crate) room: usize,
    /// What the peer has read.
    pub(crate) received: Vec<u8>,
    /// Bytes that the server has read, and written.
    pub(crate) read: usize,
    pub(crate) written: usize,
    /// When the server has last written.
    pub(crate) last_write: Duration,
    /// The server has ended its stream.
    pub(crate) shut: bool,
    pub(crate) closed: Option<Close>,
    pub(crate) closes_with_reset: bool,
    /// A write found no room, so that room is an event.
    pub(super) starved: bool,
    pub(crate) token: Option<Token>,
    pub(super) interest: Option<Interest>,
    /// Whether the poll would report an event.
    pub(crate) event: bool,
    /// The system cannot register this socket with the poll.
    pub(crate) unwatchable: bool,
    /// Calls of `read` and `write`, some of which are interrupted.
    pub(super) calls: usize,
}

impl Link {
    /// Creates a connection whose peer has `room` bytes of buffer.
    pub(crate) fn new(
        air: &Rc<Air>,
        client: usize,
        phase: Phase,
        room: usize,
    ) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            air: air.clone(),
            client,
            is_relayed: false,
            phase,
            inbound: VecDeque::new(),
            ended: false,
            deaf: false,
            reset: false,
            error: None,
            transit: VecDeque::new(),
            room,
            received: Vec::new(),
            read: 0,
            written: 0,
            last_write: Duration::ZERO,
            shut: false,
            closed: None,
            closes_with_reset: false,
            starved: false,
            token: None,
            interest: None,
            event: false,
            unwatchable: false,
            calls: 0,
        }))
    }

    /// Lets the peer accept or refuse.
    pub(crate) fn answer(&mut self, accepts: bool) {
        if self.phase == Phase::Pending && self.closed.is_none() {
            self.phase = Phase::Established;
            if !accepts {
                self.phase = Phase::Refused;
                self.error = Some(ErrorKind::ConnectionRefused);
            }
            self.notify();
        }
    }

    /// Lets bytes of the peer arrive. Returns whether they did.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        let is_open = self.closed.is_none() && !self.ended && !self.reset;
        if is_open && !bytes.is_empty() {
            self.inbound.extend(bytes);
            self.notify();
        }
        is_open
    }

    /// Lets the peer end its stream. If `deaf`, it closes its socket.
    pub(crate) fn end(&mut self, deaf: bool) {
        if self.closed.is_none() && !self.reset {
            self.ended = true;
            self.deaf |= deaf;
            self.notify();
        }
    }

    /// Lets the peer reset the connection.
    pub(crate) fn reset(&mut self) {
        if self.closed.is_none() && !self.reset {
            self.reset = true;
            // An RST behind a FIN leaves the stream complete, and Linux reports EPIPE instead.
            self.error = Some(if self.ended {
                ErrorKind::BrokenPipe
            } else {
                ErrorKind::ConnectionReset
            });
            self.notify();
        }
    }

    /// Lets the peer read up to `len` bytes.
    pub(crate) fn take(&mut self, len: usize) {
        let len = len.min(self.transit.len());
        self.received.extend(self.transit.drain(..len));
        if self.starved && len > 0 {
            self.starved = false;
            self.notify();
        }
    }

    /// Returns whether the peer has read all that will ever come.
    pub(crate) fn is_drained(&self) -> bool {
        self.transit.is_empty() && (self.shut || self.closed.is_some())
    }

    /// Returns whether a write would succeed.
    pub(crate) fn has_room(&self) -> bool {
        self.transit.len() < self.room
    }

    /// Returns what an event reports, and forgets the event.
    pub(crate) fn take_event(&mut self) -> SideEvent {
        self.event = false;
        let is_over = self.reset || self.phase == Phase::Refused;
        let event = SideEvent {
            readable: !self.inbound.is_empty() || self.ended || is_over,
            writable: self.phase == Phase::Established && self.has_room() || is_over,
            closing: self.ended || is_over,
            error: self.error.is_some(),
        };
        SideEvent {
            writable: event.writable && self.interest.is_some_and(Interest::is_writable),
            ..event
        }
    }

    /// Returns whether what the server has written ends with `bytes`.
    pub(crate) fn ends_with(&self, bytes: &[u8]) -> bool {
        let all = self.received.iter().chain(&self.transit);
        all.rev().take(bytes.len()).eq(bytes.iter().rev())
    }

    /// Returns the relay whose side this is.
    pub(crate) fn relay(&self) -> Option<(Side, usize)> {
        match self.token {
            Some(Token::Relay(side, key)) if self.closed.is_none() => Some((side, key)),
            _ => None,
        }
    }

    fn notify(&mut self) {
        self.event |= self.interest.is_some();
    }

    /// Counts a call of the server's, which may be interrupted, or reports the error of the connection.
    pub(super) fn call(&mut self) -> io::Result<()> {
        assert_eq!(
            self.phase,
            Phase::Established,
            "used before it is connected"
        );
        self.calls += 1;
        if self.calls.is_multiple_of(7) {
            return Err(ErrorKind::Interrupted.into());
        }
        self.error.take().map_or(Ok(()), |error| Err(error.into()))
    }
}
