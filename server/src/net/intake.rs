//! Accepting connections and admitting them to the table, a bounded number in each turn.
//!
//! Accepting is faster than admitting. A burst leaves the kernel's backlog as fast as possible, because
//! a client that finds the backlog full retries after a second; then it waits in a queue of newcomers.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::Value;
use powtcp_common::refusal::Refusal;

use super::acceptor::Accepted;
use super::acceptors::Acceptors;
use super::connections::Connections;
use super::shared::{Shared, Timer};
use crate::admission::NewcomerQueue;
use crate::telemetry::log::Kind;
use crate::time::{Now, TimerId};

/// Newcomers that wait to be admitted. Together with the 4,096 of the backlog's default length, a burst
/// of 12,000 connections fits.
pub const MAX_WAITING: usize = 8192;
/// Connections admitted in one turn. It stops newcomers from delaying admitted connections.
const ADMISSIONS_PER_TURN: usize = 64;
/// How long accepting pauses after a failure, unless one of our descriptors is freed before. It stops
/// a failure that lasts from making the loop busy.
pub const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// Accepts connections until it is shut.
pub struct Intake {
    /// `None` once it is shut.
    acceptors: Option<Acceptors>,
    newcomers: NewcomerQueue<(TcpStream, ClientAddr)>,
    /// Newcomers that may wait, at most [`MAX_WAITING`].
    max_waiting: usize,
    /// The number of connections, newcomers included, when descriptors last ran out.
    exhausted_at: usize,
    /// The timer of [`Timer::AcceptRetry`], while it is armed.
    retry: Option<TimerId>,
}

impl Intake {
    /// Creates an intake of the connections of `acceptors`, of which `max_waiting` may wait for
    /// admission.
    pub fn new(acceptors: Acceptors, max_waiting: usize) -> Self {
        Self {
            acceptors: Some(acceptors),
            newcomers: NewcomerQueue::new(),
            max_waiting,
            exhausted_at: 0,
            retry: None,
        }
    }

    /// Returns the addresses it listens on: none once it is shut.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let acceptors = self.acceptors.as_ref();
        acceptors.map(Acceptors::local_addrs).unwrap_or_default()
    }

    /// Returns whether accepting is paused because descriptors ran out or accepting keeps failing.
    pub fn is_paused(&self) -> bool {
        self.acceptors.as_ref().is_some_and(Acceptors::is_starved)
    }

    /// Returns whether it is shut.
    pub fn is_shut(&self) -> bool {
        self.acceptors.is_none()
    }

    /// Returns the number of newcomers. While there are any the loop must not sleep.
    pub fn waiting(&self) -> usize {
        self.newcomers.len()
    }

    /// Stops listening for good, and tells the newcomers and the connections in the backlog that the
    /// server is shutting down. Returns whether it was open.
    pub fn shut(&mut self, connections: &mut Connections, shared: &mut Shared, now: Now) -> bool {
        let Some(mut acceptors) = self.acceptors.take() else {
            return false;
        };
        let why = Refusal::ShuttingDown;
        while let Some((socket, client)) = self.newcomers.pop() {
            shared.metrics.accepted += 1;
            connections.turn_away(socket, client, why, shared, now);
        }
        // Closing a listening socket resets what is left in its backlog. Each connection is closed before
        // the next is accepted, so one descriptor is enough.
        acceptors.wake_all();
        for _ in 0..MAX_WAITING {
            if !acceptors.is_ready() {
                break;
            }
            match acceptors.accept() {
                Ok(Accepted::Connection(socket, address)) => {
                    shared.metrics.accepted += 1;
                    connections.turn_away(socket, address.into(), why, shared, now);
                }
                Ok(Accepted::Empty { .. }) => {}
                Ok(Accepted::Exhausted { .. }) | Err(_) => break,
            }
        }
        true
    }

    /// Notes that the backlog of the socket with this index may hold connections.
    pub fn wake(&mut self, index: usize) {
        if let Some(acceptors) = &mut self.acceptors {
            acceptors.wake(index);
        }
    }

    /// Ends the pause that [`Timer::AcceptRetry`] was armed for.
    pub fn on_retry(&mut self) {
        self.retry = None;
        self.wake_all();
    }

    /// Accepts what the backlog holds, and admits a turn's share of newcomers.
    ///
    /// # Errors
    /// The listening socket failed.
    pub fn take_in(
        &mut self,
        connections: &mut Connections,
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<()> {
        let open = connections.len() + self.newcomers.len();
        if self.is_paused() && open < self.exhausted_at {
            self.wake_all();
        }
        self.accept(open, shared, now)?;
        for _ in 0..ADMISSIONS_PER_TURN {
            let Some((socket, client)) = self.newcomers.pop() else {
                break;
            };
            connections.admit(socket, client, shared, now);
        }
        Ok(())
    }

    fn wake_all(&mut self) {
        if let Some(acceptors) = &mut self.acceptors {
            acceptors.wake_all();
        }
    }

    /// Moves connections from the backlogs to the newcomers. `open` counts the connections that hold a
    /// descriptor.
    fn accept(&mut self, open: usize, shared: &mut Shared, now: Now) -> io::Result<()> {
        let Some(acceptors) = &mut self.acceptors else {
            return Ok(());
        };
        let mut accepted = 0;
        while acceptors.is_ready() {
            if self.newcomers.len() >= self.max_waiting {
                return acceptors.rearm(&shared.registry);
            }
            match acceptors.accept()? {
                Accepted::Connection(socket, address) => {
                    let client = ClientAddr::from(address);
                    let source = shared.access.entrance(client.ip()).source(client.ip());
                    self.newcomers.push(source, (socket, client));
                    accepted += 1;
                }
                Accepted::Empty { resumed: false } => {}
                Accepted::Empty { resumed: true } => report_resumption(shared, now),
                Accepted::Exhausted { is_new, error } => {
                    self.exhausted_at = open + accepted;
                    if is_new {
                        report_pause(&error, self.exhausted_at, shared, now);
                    }
                    self.retry.get_or_insert_with(|| {
                        let due = now.moment.after(ACCEPT_RETRY).due_tick();
                        shared.timers.arm(due, Timer::AcceptRetry)
                    });
                }
            }
        }
        Ok(())
    }
}

fn report_pause(error: &io::Error, open: usize, shared: &mut Shared, now: Now) {
    shared.metrics.accept_pauses += 1;
    if shared.log.admits(now, Kind::Paused) {
        let error = error.to_string();
        let fields = [
            ("error", Value::Text(&error)),
            ("connections", Value::Number(open as u64)),
        ];
        shared.log.limited_line(now, Kind::Paused, &fields);
    }
}

fn report_resumption(shared: &mut Shared, now: Now) {
    if shared.log.admits(now, Kind::Resumed) {
        shared.log.limited_line(now, Kind::Resumed, &[]);
    }
}
