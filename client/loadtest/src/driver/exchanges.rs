//! What a load does with honest exchanges.

use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::connection::LoadConnection;
use super::{Driver, Id, News, Slot};
use crate::honest::exchange::{Exchange, First};
use crate::honest::failure::Failure;

impl Driver {
    /// Connects `client` from `source`, and sends `first` once connected. The latency counts from
    /// `started`, and so does the timeout. A failure to connect is news of the next turn, and returns
    /// `None`.
    ///
    /// # Errors
    /// The poll's.
    pub(crate) fn open(
        &mut self,
        client: u64,
        source: Ipv4Addr,
        started: Instant,
        first: First,
    ) -> io::Result<Option<Id>> {
        match self.target.dial(source) {
            Ok(dialed) => {
                let exchange = Exchange::new(dialed, client, started, first);
                let id = self.add(LoadConnection::Honest(exchange))?;
                self.deadlines.insert((started + self.timeout, id));
                Ok(Some(id))
            }
            Err(error) => {
                let failure = Failure::io("connect", &error);
                self.news.push(News::Failed { client, failure });
                Ok(None)
            }
        }
    }

    /// Connects from `source`, and sends no message before [`Driver::ask`]. There is no deadline before.
    ///
    /// # Errors
    /// The connection's or the poll's.
    pub(crate) fn open_silent(&mut self, source: Ipv4Addr) -> io::Result<Id> {
        let dialed = self.target.dial(source)?;
        let exchange = Exchange::new(dialed, 0, Instant::now(), First::Later);
        self.add(LoadConnection::Honest(exchange))
    }

    /// Makes a silent exchange ask for a puzzle.
    pub(crate) fn ask(&mut self, id: Id) {
        let now = Instant::now();
        if let Some(exchange) = self.exchange(id) {
            exchange.started = now;
            self.deadlines.insert((now + self.timeout, id));
            self.begin(id, None);
        }
    }

    /// Sends the first message of a quiet exchange: `stamp`, or a request for a puzzle.
    pub(crate) fn begin(&mut self, id: Id, stamp: Option<Vec<u8>>) {
        if let Some(exchange) = self.exchange(id) {
            let progress = exchange.begin(stamp);
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
