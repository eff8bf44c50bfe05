//! The metrics page, on the event loop of the service but with sockets and bounds of its own: a flood
//! of the service does not shut the operator out, and a flood of the page costs the service little.

mod gauges;
mod request;
mod visit;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::Registry;
use slab::Slab;

use crate::net::acceptor::{Accepted, Acceptor, PortUse};
use crate::net::intake::ACCEPT_RETRY;
use crate::net::io::Fate;
use crate::net::shared::{Shared, Timer};
use crate::net::token::{MAX_VISITS, Token};
use crate::telemetry::process::ProcessFiles;
use crate::time::{Now, TimerWheel};
pub use gauges::GaugeSources;
use visit::Visit;

/// How long a visit may take. It stops visitors that send no request or take no response.
const VISIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Visits accepted in one turn of the loop. It stops a flood of the page from delaying the service.
const ACCEPTS_PER_TURN: usize = 8;

/// The page, its listening socket and its visits.
pub struct MetricsPage {
    acceptor: Acceptor,
    visits: Slab<Visit>,
    /// The slots of the visits, the oldest visit first.
    order: Vec<usize>,
    /// A descriptor that is reserved for when the service has taken all others.
    spare: Option<File>,
    /// Whether [`Timer::VisitRetry`] is armed.
    retrying: bool,
    /// Opened at start, because a scrape must need no descriptor.
    process: ProcessFiles,
}

impl MetricsPage {
    /// Listens on `address`.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use.
    pub fn bind(address: SocketAddr, registry: &Registry) -> io::Result<Self> {
        Ok(Self {
            // Of its own even if processes share the port of the service: each has its own figures.
            acceptor: Acceptor::bind(
                address,
                PortUse::Exclusive,
                registry,
                Token::MetricsListener.into(),
            )?,
            visits: Slab::with_capacity(MAX_VISITS),
            order: Vec::with_capacity(MAX_VISITS),
            spare: spare_descriptor(),
            retrying: false,
            process: ProcessFiles::open(),
        })
    }

    /// Returns the address it listens on.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.local_addr()
    }

    /// Notes that the backlog may hold visits.
    pub fn wake(&mut self) {
        self.acceptor.wake();
    }

    /// Accepts visits. One beyond [`MAX_VISITS`] ends the oldest.
    ///
    /// # Errors
    /// The listening socket failed.
    pub fn accept(&mut self, shared: &mut Shared, now: Now) -> io::Result<()> {
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.acceptor.is_ready() {
                return Ok(());
            }
            match self.acceptor.accept()? {
                Accepted::Connection(socket, _) => self.admit(Visit::new(socket), shared, now),
                // On Linux the backlog was empty before too: `accept` takes a descriptor first.
                Accepted::Empty { .. } => self.restore_spare(),
                Accepted::Exhausted { .. } if self.spare.take().is_some() => self.acceptor.wake(),
                Accepted::Exhausted { .. } => {
                    // The visit waits for another one to end, or for the timer.
                    self.restore_spare();
                    self.retry_later(shared, now);
                }
            }
        }
        self.acceptor.rearm(&shared.registry)
    }

    /// Handles an event of a visit's socket. The gauges are sampled if the page is requested.
    pub fn on_ready(&mut self, slot: usize, shared: &mut Shared, sources: &GaugeSources<'_>) {
        let Some(visit) = self.visits.get_mut(slot) else {
            return;
        };
        let process = &self.process;
        let page = || shared.metrics.exposition(&sources.sample(shared, process));
        if visit
            .advance(sources.health(shared), page)
            .unwrap_or(Fate::Close)
            == Fate::Close
        {
            self.remove(slot, &mut shared.timers);
        }
    }

    /// Ends the pause that [`Timer::VisitRetry`] was armed for.
    pub fn on_retry(&mut self) {
        self.retrying = false;
        self.restore_spare();
        self.acceptor.wake();
    }

    /// Ends a visit whose time is over.
    pub fn on_deadline(&mut self, slot: usize, shared: &mut Shared) {
        self.remove(slot, &mut shared.timers);
    }

    fn admit(&mut self, mut visit: Visit, shared: &mut Shared, now: Now) {
        if self.visits.len() >= MAX_VISITS
            && let Some(&oldest) = self.order.first()
        {
            self.remove(oldest, &mut shared.timers);
        }
        let entry = self.visits.vacant_entry();
        let slot = entry.key();
        let token = Token::Visit(slot).into();
        if visit.register(&shared.registry, token).is_err() {
            drop(visit);
            return self.restore_spare();
        }
        let due = now.moment.after(VISIT_TIMEOUT).due_tick();
        visit.timer = shared.timers.arm(due, Timer::Visit(slot as u32));
        entry.insert(visit);
        self.order.push(slot);
    }

    fn remove(&mut self, slot: usize, timers: &mut TimerWheel<Timer>) {
        let Some(visit) = self.visits.try_remove(slot) else {
            return;
        };
        timers.cancel(visit.timer);
        self.order.retain(|&other| other != slot);
        drop(visit);
        self.restore_spare();
        if self.acceptor.is_starved() {
            self.acceptor.wake();
        }
    }

    /// Reserves the spare descriptor again, if it was given up and there is a free one.
    fn restore_spare(&mut self) {
        self.spare = self.spare.take().or_else(spare_descriptor);
    }

    fn retry_later(&mut self, shared: &mut Shared, now: Now) {
        if !self.retrying {
            let due = now.moment.after(ACCEPT_RETRY).due_tick();
            shared.timers.arm(due, Timer::VisitRetry);
            self.retrying = true;
        }
    }
}

/// Reserves a descriptor; returns `None` if there is none.
fn spare_descriptor() -> Option<File> {
    File::open("/dev/null").ok()
}
