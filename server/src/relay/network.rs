//! What relays need of the network: sockets on both sides, and an upstream that can be dialed. Tests
//! implement it without a network.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};

use crate::net::io::Socket;

/// A socket of either side of a relay.
pub trait RelaySocket: Socket {
    /// Sets the options of a connection that is made. One without them works as well, only slower, so an
    /// error changes nothing.
    fn set_options(&self);

    /// Returns the error that an event has reported, if there is one.
    fn error(&self) -> Option<io::Error>;
}

/// A service that can be dialed: it has one address or several, which are tried in turn. Log lines name it
/// as it is displayed.
pub trait Dial: Display {
    /// A connection to the service, made or being made.
    type Socket: RelaySocket;

    /// Returns the number of addresses to try.
    fn addresses(&self) -> usize;

    /// Begins to connect to the address with this index.
    ///
    /// # Errors
    /// This address cannot be connected to.
    fn connect(&self, index: usize) -> io::Result<Connecting<Self::Socket>>;

    /// Returns whether a connection that was pending is made.
    ///
    /// # Errors
    /// It failed.
    fn is_connected(&self, socket: &Self::Socket) -> io::Result<bool>;
}

/// What came of an attempt to connect.
#[derive(Debug)]
pub enum Connecting<C> {
    /// The connection is made.
    Made(C),
    /// An event will tell.
    Pending(C),
    /// The backlog of a Unix socket is full, and no event will tell when it is not. Try again later.
    Retry,
}

/// What an event reports of one side of a relay.
#[derive(Debug, Clone, Copy, Default)]
pub struct SideEvent {
    /// A read may find bytes or the end of the stream.
    pub readable: bool,
    /// A write may succeed.
    pub writable: bool,
    /// The stream has ended, or contains urgent data: a short read is not the last.
    pub closing: bool,
    /// The socket may have failed.
    pub error: bool,
}

impl From<&Event> for SideEvent {
    fn from(event: &Event) -> Self {
        Self {
            readable: event.is_readable() || event.is_read_closed(),
            writable: event.is_writable(),
            closing: event.is_read_closed() || event.is_priority(),
            error: event.is_error(),
        }
    }
}

impl RelaySocket for TcpStream {
    fn set_options(&self) {
        let _ = keep_alive(self);
    }

    fn error(&self) -> Option<io::Error> {
        self.take_error().unwrap_or_else(Some)
    }
}

/// Has the kernel probe an idle connection, so that a peer that vanished is found out.
fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(10))
        .with_retries(6);
    SockRef::from(socket).set_tcp_keepalive(&probes)
}
