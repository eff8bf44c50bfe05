//! A connection of a load: an honest exchange or an attacker.

use mio::Interest;
use mio::net::TcpStream;

use crate::attack::attacker::Attacker;
use crate::honest::exchange::Exchange;

/// What a connection is for.
pub(crate) enum LoadConnection {
    Honest(Exchange),
    Hostile(Attacker),
}

impl LoadConnection {
    /// Returns the socket, for its registration.
    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Honest(exchange) => &mut exchange.socket,
            Self::Hostile(attacker) => &mut attacker.socket,
        }
    }

    /// Returns the events to wait for.
    pub(crate) fn interest(&self) -> Interest {
        match self {
            Self::Hostile(attacker) if attacker.never_reads() => Interest::WRITABLE,
            Self::Honest(_) | Self::Hostile(_) => Interest::READABLE | Interest::WRITABLE,
        }
    }
}
