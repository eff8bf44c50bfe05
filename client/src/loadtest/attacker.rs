//! One attacking connection: it does what its attack says, and never blocks.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use socket2::SockRef;

use super::attack::{Attack, Manner, reply};
use super::dial;

/// A connection of an attack.
pub(super) struct Attacker {
    socket: TcpStream,
    connected: bool,
}

/// Whether an attacking connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Over,
}

impl Attacker {
    /// One whose socket is about to connect.
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            connected: false,
        }
    }

    /// Whether the connection was ever there.
    pub(super) const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Follows up what the poll has told.
    pub(super) fn on_event(&mut self, event: &Event, attack: &Attack, buffer: &mut [u8]) -> Fate {
        if !self.connected {
            match dial::is_connected(&self.socket) {
                Ok(true) => self.connected = true,
                Ok(false) => return Fate::Stays,
                Err(_) => return Fate::Over,
            }
            if attack.manner == Manner::Resets {
                self.will_reset();
                return Fate::Over;
            }
            // Should it fail, so does what follows.
            self.send(attack.at_once);
        }
        // What came before the end is read first, as an honest client would.
        if event.is_readable() {
            self.read(attack.manner, buffer)
        } else if event.is_error() || event.is_write_closed() {
            Fate::Over
        } else {
            Fate::Stays
        }
    }

    /// Sends as much of `bytes` as the socket takes; the rest is no loss.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Fate {
        match self.socket.write(bytes) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Fate::Over,
            _ => Fate::Stays,
        }
    }

    /// Makes closing a reset: the server is told at once, and the port does not rest for a minute.
    pub(super) fn will_reset(&self) {
        // A connection that is over already needs no reset.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Reads all that is there, and replies to it.
    fn read(&mut self, manner: Manner, buffer: &mut [u8]) -> Fate {
        loop {
            let len = match self.socket.read(buffer) {
                Ok(0) => return Fate::Over,
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Fate::Stays,
                Err(_) => return Fate::Over,
            };
            if let Some(bytes) = reply(manner, &mut buffer[..len])
                && self.send(bytes) == Fate::Over
            {
                return Fate::Over;
            }
        }
    }
}
