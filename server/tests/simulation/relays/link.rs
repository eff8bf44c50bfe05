//! A connection without a network, as TCP on Linux has it: bytes in both directions, room at the receiver, a
//! FIN or an RST of each end, and the events that an edge-triggered poll reports to the server.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use powtcp_server::net::io::Socket;
use powtcp_server::net::token::Token as ServerToken;
use powtcp_server::relay::{RelaySocket, Side, SideEvent};

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
    air: Rc<Air>,
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
    /// The server has read the end of the peer's stream, and whether it had before the reset.
    end_read: bool,
    pub(crate) end_was_read: bool,
    /// The error that the system has not reported yet.
    error: Option<ErrorKind>,
    /// Bytes that the server has written and the peer has not read.
    transit: VecDeque<u8>,
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
    starved: bool,
    pub(crate) token: Option<ServerToken>,
    interest: Option<Interest>,
    /// Whether the poll would report an event.
    pub(crate) event: bool,
    /// The system cannot register this socket with the poll.
    pub(crate) unwatchable: bool,
    /// Calls of `read` and `write`, some of which are interrupted.
    calls: usize,
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
            end_read: false,
            end_was_read: false,
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
            self.end_was_read = self.end_read;
            self.error = Some(ErrorKind::ConnectionReset);
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
            Some(ServerToken::Relay(side, key)) if self.closed.is_none() => Some((side, key)),
            _ => None,
        }
    }

    fn notify(&mut self) {
        self.event |= self.interest.is_some();
    }

    fn call(&mut self) -> io::Result<()> {
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

/// The server's end of a connection.
pub(crate) struct LinkSocket(Rc<RefCell<Link>>);

impl LinkSocket {
    /// Opens the server's end.
    pub(crate) fn new(link: Rc<RefCell<Link>>) -> Self {
        let air = link.borrow().air.clone();
        air.sockets.set(air.sockets.get() + 1);
        Self(link)
    }

    /// Returns whether the connection is made.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        let mut link = self.0.borrow_mut();
        match link.error.take() {
            Some(error) => Err(error.into()),
            None => Ok(link.phase == Phase::Established),
        }
    }
}

impl Read for LinkSocket {
    /// What arrived before an RST is still read; then comes the error, and then the end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut link = self.0.borrow_mut();
        if link.inbound.is_empty() || !link.reset {
            link.call()?;
        }
        if link.inbound.is_empty() && !link.ended && !link.reset {
            return Err(ErrorKind::WouldBlock.into());
        }
        link.end_read |= link.inbound.is_empty();
        let mut len = buffer.len().min(link.inbound.len());
        if link.ended && len > 1 && link.calls.is_multiple_of(3) {
            // A read may stop early at a mark in the stream, which an event has reported.
            len /= 2;
        }
        for (place, byte) in buffer.iter_mut().zip(link.inbound.drain(..len)) {
            *place = byte;
        }
        link.read += len;
        Ok(len)
    }
}

impl Write for LinkSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut link = self.0.borrow_mut();
        assert!(!link.shut, "a write after the end of the stream");
        link.call()?;
        if link.reset {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let len = bytes.len().min(link.room - link.transit.len());
        link.starved = len < bytes.len();
        if len == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        link.transit.extend(&bytes[..len]);
        link.written += len;
        link.last_write = link.air.now.get();
        if link.deaf {
            link.reset();
        }
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for LinkSocket {
    fn register(&mut self, registry: &Registry, token: Token, to: Interest) -> io::Result<()> {
        if self.0.borrow().unwatchable {
            return Err(ErrorKind::StorageFull.into());
        }
        self.reregister(registry, token, to)
    }

    /// Reports an event for what is ready already, as an edge-triggered poll does.
    fn reregister(&mut self, _: &Registry, token: Token, to: Interest) -> io::Result<()> {
        let mut link = self.0.borrow_mut();
        let token = ServerToken::from(token);
        if let ServerToken::Relay(side, _) = token {
            link.is_relayed = true;
            if side == Side::Client {
                link.air.dialing.set(Some(link.client));
            }
        }
        link.token = Some(token);
        link.interest = Some(to);
        let SideEvent {
            readable,
            writable,
            error,
            ..
        } = link.take_event();
        link.event = readable || writable || error;
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        self.0.borrow_mut().interest = None;
        Ok(())
    }
}

impl Socket for LinkSocket {
    fn shutdown_write(&self) -> io::Result<()> {
        let mut link = self.0.borrow_mut();
        if link.reset {
            return Err(ErrorKind::NotConnected.into());
        }
        link.shut = true;
        Ok(())
    }

    fn set_reset_on_close(&self, resets: bool) {
        self.0.borrow_mut().closes_with_reset = resets;
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }
}

impl RelaySocket for LinkSocket {
    fn set_options(&self) {}

    fn error(&self) -> Option<io::Error> {
        self.0.borrow_mut().error.take().map(Into::into)
    }
}

impl Drop for LinkSocket {
    fn drop(&mut self) {
        let mut link = self.0.borrow_mut();
        let air = &link.air;
        air.sockets.set(air.sockets.get() - 1);
        let is_cut = link.closes_with_reset || !link.inbound.is_empty();
        link.closed = Some(if is_cut { Close::Rst } else { Close::Fin });
        link.event = false;
        link.interest = None;
    }
}
