//! What a load does with honest exchanges.

use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::connection::LoadConnection;
use super::{Driver, Id, News, Slot, dial};
use crate::honest::exchange::Exchange;

impl Driver {
    /// Connects from `source`, and asks for a puzzle. A failure to connect is news of the next turn.
    ///
    /// # Errors
    /// The poll's.
    pub(crate) fn open(&mut self, source: Ipv4Addr) -> io::Result<()> {
        // The latency includes the system calls that open the socket.
        let started = Instant::now();
        match dial::start(source, self.server) {
            Ok(socket) => {
                let exchange = Exchange::new(socket, source, started);
                let id = self.add(LoadConnection::Honest(exchange))?;
                self.deadlines.insert((started + self.timeout, id));
            }
            Err(error) => {
                let kind = format!("connect: {error}");
                self.news.push(News::Failed { source, kind });
            }
        }
        Ok(())
    }

    /// Connects from `source`, and sends nothing before [`Driver::ask`].
    ///
    /// # Errors
    /// The connection's or the poll's.
    pub(crate) fn open_silent(&mut self, source: Ipv4Addr) -> io::Result<Id> {
        let socket = dial::start(source, self.server)?;
        self.add(LoadConnection::Honest(Exchange::silent(socket, source)))
    }

    /// Makes a silent exchange ask for a puzzle.
    pub(crate) fn ask(&mut self, id: Id) {
        let now = Instant::now();
        if let Some(exchange) = self.exchange(id) {
            let progress = exchange.ask(now);
            self.deadlines.insert((now + self.timeout, id));
            self.settle(id, progress);
        }
    }

    /// Sends the stamp for the puzzle of `id`, unless this exchange has ended meanwhile. The time
    /// `excluded` counts neither for its latency nor for its timeout.
    pub(crate) fn pay(&mut self, id: Id, stamp: &[u8], excluded: Duration) {
        let mut buffer = mem::take(&mut self.buffer);
        if let Some(exchange) = self.exchange(id) {
            exchange.started += excluded;
            let deadline = exchange.started;
            let progress = exchange.pay(stamp, &mut buffer);
            self.deadlines.insert((deadline + self.timeout, id));
            self.settle(id, progress);
        }
        self.buffer = buffer;
    }

    /// Closes the connection of an exchange.
    pub(crate) fn close(&mut self, id: Id) {
        if let Some(exchange) = self.exchange(id) {
            let deadline = exchange.started + self.timeout;
            self.deadlines.remove(&(deadline, id));
            self.slots.remove(id.key);
        }
    }

    /// Returns the exchange `id` if it still exists.
    pub(super) fn exchange(&mut self, id: Id) -> Option<&mut Exchange> {
        match self.slots.get_mut(id.key) {
            Some(Slot {
                id: found,
                connection: LoadConnection::Honest(exchange),
            }) if *found == id => Some(exchange),
            _ => None,
        }
    }
}
