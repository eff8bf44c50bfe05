//! The server's end of a connection without a network.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use powtcp_server::net::io::Socket;
use powtcp_server::net::token::Token as ServerToken;
use powtcp_server::relay::{RelaySocket, Side, SideEvent};

use super::link::{Close, Link, Phase};

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
            Some(ErrorKind::BrokenPipe) => Ok(true),
            Some(error) => Err(error.into()),
            None => Ok(link.phase == Phase::Established),
        }
    }
}

impl Read for LinkSocket {
    /// What arrived before an RST is still read; then comes the error, and then the end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut link = self.0.borrow_mut();
        // Bytes and a FIN that arrived before an RST are read before its error is.
        if !link.reset || link.inbound.is_empty() && !link.ended {
            link.call()?;
        }
        if link.inbound.is_empty() && !link.ended && !link.reset {
            return Err(ErrorKind::WouldBlock.into());
        }
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
