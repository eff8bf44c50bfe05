//! The event loop of every load: one poll, and one table of connections, each of them an honest
//! exchange or an attacker.
//!
//! The driver registers connections, passes events to them, ends those that take too long, and removes
//! them. A load opens connections (`exchanges`, `attackers`), calls [`Driver::turn`] again and again, and acts on the [`News`] that
//! each turn returns.

mod attackers;
mod connection;
pub(crate) mod dial;
mod exchanges;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::mem;
use std::time::{Duration, Instant};

use connection::LoadConnection;
use dial::Target;
use mio::event::Event;
use mio::{Events, Poll, Token, Waker};
use powtcp_common::hashcash::Challenge;
use slab::Slab;

use crate::honest::exchange::Progress;
use crate::honest::failure::Failure;

const EVENTS_PER_TURN: usize = 1024;
const BUFFER_LEN: usize = 16 * 1024;
/// The token of the waker. No connection has it as its key.
const WAKER: Token = Token(usize::MAX);

/// Drives connections to one server.
pub(crate) struct Driver {
    target: Target,
    /// How long an exchange may wait for the server in total.
    timeout: Duration,
    poll: Poll,
    events: Events,
    slots: Slab<Slot>,
    /// When each exchange that waits for the server has failed.
    deadlines: BTreeSet<(Instant, Id)>,
    buffer: Box<[u8]>,
    news: Vec<News>,
    next_serial: u64,
    attackers_connected: u64,
}

struct Slot {
    id: Id,
    connection: LoadConnection,
}

/// Names an exchange. The serial number tells it from others that had the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    key: usize,
    serial: u64,
}

/// What happened to an exchange in a turn.
#[derive(Debug)]
pub(crate) enum News {
    /// The puzzle arrived. The exchange has no deadline until [`Driver::pay`].
    Puzzle {
        id: Id,
        client: u64,
        challenge: Challenge,
    },
    /// The resource arrived after `latency`, and the connection is closed.
    Served { client: u64, latency: Duration },
    /// The exchange failed, and the connection is closed.
    Failed { client: u64, failure: Failure },
}

impl Driver {
    /// Creates a driver for connections to `target`.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn new(target: Target, timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            target,
            timeout,
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_PER_TURN),
            slots: Slab::new(),
            deadlines: BTreeSet::new(),
            buffer: vec![0; BUFFER_LEN].into(),
            news: Vec::new(),
            next_serial: 0,
            attackers_connected: 0,
        })
    }

    /// Returns the number of open connections.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether there is no connection left, and no news of one.
    pub(crate) fn is_done(&self) -> bool {
        self.slots.is_empty() && self.news.is_empty()
    }

    /// Returns a waker with which another thread ends the sleep of a turn. There can be one.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKER)
    }

    /// Sleeps until an event, a deadline, `wake` or the waker, and handles what is due. Returns what
    /// happened to exchanges since the turn before.
    ///
    /// # Errors
    /// The poll's.
    pub(crate) fn turn(&mut self, wake: Option<Instant>) -> io::Result<Vec<News>> {
        let timeout = self.time_to_sleep(wake);
        let mut events = mem::replace(&mut self.events, Events::with_capacity(0));
        match self.poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => result?,
        }
        for event in &events {
            self.dispatch(event);
        }
        self.events = events;
        // After the events: a refusal that has arrived says more than a timeout.
        self.expire(Instant::now());
        Ok(mem::take(&mut self.news))
    }

    fn time_to_sleep(&self, wake: Option<Instant>) -> Option<Duration> {
        if !self.news.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let due = deadline.into_iter().chain(wake).min()?;
        let left = due.saturating_duration_since(Instant::now());
        // The poll rounds up to milliseconds, and what is late here counts as latency of the server. So
        // the last part of a millisecond is spent on turns that do not sleep.
        Some(Duration::from_millis(left.as_millis() as u64))
    }

    fn add(&mut self, mut connection: LoadConnection) -> io::Result<Id> {
        let entry = self.slots.vacant_entry();
        let id = Id {
            key: entry.key(),
            serial: self.next_serial,
        };
        self.next_serial += 1;
        let interest = connection.interest();
        self.poll
            .registry()
            .register(connection.socket(), Token(id.key), interest)?;
        entry.insert(Slot { id, connection });
        Ok(id)
    }

    fn dispatch(&mut self, event: &Event) {
        let Token(key) = event.token();
        // The waker has no slot, nor has a connection that ended earlier in this turn.
        let Some(Slot { id, connection }) = self.slots.get_mut(key) else {
            return;
        };
        match connection {
            LoadConnection::Honest(exchange) => {
                let id = *id;
                let progress = exchange.on_event(event.is_readable(), &mut self.buffer);
                self.settle(id, progress);
            }
            LoadConnection::Hostile(attacker) => {
                let was_connected = attacker.is_connected();
                let flow = attacker.on_event(event, &mut self.buffer);
                if !was_connected && attacker.is_connected() {
                    self.attackers_connected += 1;
                }
                if flow.is_break() {
                    self.slots.remove(key);
                }
            }
        }
    }

    /// Ends the exchanges whose deadline has passed.
    fn expire(&mut self, now: Instant) {
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            self.settle(id, Some(Progress::Failed(Failure::timeout())));
        }
    }

    /// Follows every call of an exchange: drops its deadline if it does not wait any more, removes it
    /// if it is over, and keeps the news.
    fn settle(&mut self, id: Id, progress: Option<Progress>) {
        let timeout = self.timeout;
        let (Some(progress), Some(exchange)) = (progress, self.exchange(id)) else {
            return;
        };
        let (client, started) = (exchange.client, exchange.started);
        self.deadlines.remove(&(started + timeout, id));
        self.news.push(match progress {
            Progress::Puzzle(challenge) => News::Puzzle {
                id,
                client,
                challenge,
            },
            Progress::Served => {
                self.slots.remove(id.key);
                let latency = started.elapsed();
                // An answer that has arrived is read even after the deadline, but it is late.
                if latency <= timeout {
                    News::Served { client, latency }
                } else {
                    let failure = Failure::timeout();
                    News::Failed { client, failure }
                }
            }
            Progress::Failed(failure) => {
                self.slots.remove(id.key);
                News::Failed { client, failure }
            }
        });
    }
}

#[cfg(test)]
mod tests;
