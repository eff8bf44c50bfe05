//! One attacking connection. It does what its attack says, and never blocks.

use std::mem;
use std::ops::ControlFlow;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use powtcp_server::net::io::{read, write};
use socket2::SockRef;

use super::{Attack, Manner, reply};
use crate::driver::dial::{self, Dialed};

/// A connection of an attack. Its methods break when it is over.
pub(crate) struct Attacker {
    pub(crate) socket: TcpStream,
    /// What it sends before the bytes of its attack.
    header: Vec<u8>,
    attack: &'static Attack,
    connected: bool,
    /// Whether it has sent a stamp.
    paid: bool,
}

impl Attacker {
    /// Creates an attacker on a socket that is about to connect.
    pub(crate) fn new(dialed: Dialed, attack: &'static Attack) -> Self {
        let Dialed { socket, header } = dialed;
        Self {
            socket,
            header,
            attack,
            connected: false,
            paid: false,
        }
    }

    /// Returns whether the connection was established.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Returns whether it stays after the server has ended its side of the connection.
    fn lingers(&self) -> bool {
        self.paid && self.attack.manner == Manner::Pays
    }

    /// Returns whether it ignores everything that the server sends.
    pub(crate) fn never_reads(&self) -> bool {
        self.attack.manner == Manner::NeverReads
    }

    /// Acts on an event of the poll.
    pub(crate) fn on_event(&mut self, event: &Event, buffer: &mut [u8]) -> ControlFlow<()> {
        if !self.connected {
            match dial::is_connected(&self.socket) {
                Ok(true) => self.connected = true,
                Ok(false) => return ControlFlow::Continue(()),
                Err(_) => return ControlFlow::Break(()),
            }
            let first = [&mem::take(&mut self.header), self.attack.first].concat();
            // A failure shows again when the answer is read.
            let _ = self.send(&first);
            if self.attack.manner == Manner::Resets {
                self.set_reset();
                return ControlFlow::Break(());
            }
        }
        // Bytes before the end of the stream are read first, as an honest client does.
        if event.is_readable() {
            self.receive(buffer)
        } else if event.is_error() || (event.is_write_closed() && !self.lingers()) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Sends what the attack sends once a second, if it is time for that.
    pub(crate) fn send_again(&mut self) -> ControlFlow<()> {
        if !self.connected || (self.attack.manner == Manner::Pays && !self.paid) {
            return ControlFlow::Continue(());
        }
        self.send(self.attack.each_second)
    }

    /// Makes closing the socket send an RST: the server learns of it at once, and the port does not stay
    /// in TIME_WAIT for a minute.
    pub(crate) fn set_reset(&self) {
        // This fails only on a connection that is over already.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Sends as much of `bytes` as the socket takes; an attack needs no more.
    fn send(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        match write(&mut self.socket, bytes) {
            Ok(_) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Reads until the socket is empty, and replies.
    fn receive(&mut self, buffer: &mut [u8]) -> ControlFlow<()> {
        loop {
            let len = match read(&mut self.socket, buffer) {
                Ok(None) => return ControlFlow::Continue(()),
                Ok(Some(0)) if self.lingers() => return ControlFlow::Continue(()),
                Ok(Some(0)) | Err(_) => return ControlFlow::Break(()),
                Ok(Some(len)) => len,
            };
            if let Some(bytes) = reply(self.attack.manner, &buffer[..len]) {
                self.paid = true;
                self.send(&bytes)?;
            }
        }
    }
}
