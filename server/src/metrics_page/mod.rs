//! The page that Prometheus reads, on the loop of the service but in slots of its own: a flood of the
//! service does not shut the operator out, and a flood of the page costs the service little.

mod request;
mod visit;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Registry, Token};
use slab::Slab;

use crate::acceptor::{Accepted, Acceptor};
use crate::connections::Timer;
use crate::moment::{Moment, Now};
use crate::timer_wheel::TimerWheel;
use visit::{Fate, Visit};

/// Visits at once; one more ends the one that came first.
const MAX_VISITS: usize = 8;
/// How long a visit may take. It stops those who ask nothing or take no answer.
const VISIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Visits accepted in one turn of the loop.
const ACCEPTS_PER_TURN: usize = 8;

/// The page, its listening socket and its visitors.
pub struct MetricsPage {
    acceptor: Acceptor,
    registry: Registry,
    /// The token of the visit in slot 0; those of other slots follow.
    first_token: usize,
    visits: Slab<Visit>,
    /// The slots in the order in which their visits came.
    order: Vec<usize>,
    /// A descriptor kept for when the service has taken all others.
    spare: Option<File>,
}

impl MetricsPage {
    /// Listens on `address` under `token`. Visits have the [`MetricsPage::TOKENS`] tokens from
    /// `first_token` on.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use.
    pub fn bind(
        address: SocketAddr,
        registry: Registry,
        token: Token,
        first_token: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            acceptor: Acceptor::bind(address, &registry, token)?,
            registry,
            first_token,
            visits: Slab::with_capacity(MAX_VISITS),
            order: Vec::with_capacity(MAX_VISITS),
            spare: spare_descriptor(),
        })
    }

    /// How many tokens visits need.
    pub const TOKENS: usize = MAX_VISITS;

    /// Where it listens.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.local_addr()
    }

    /// Somebody may be waiting.
    pub const fn wake(&mut self) {
        self.acceptor.wake();
    }

    /// Takes visitors in.
    ///
    /// # Errors
    /// The listening socket failed.
    pub fn accept(&mut self, timers: &mut TimerWheel<Timer>, now: Now) -> io::Result<()> {
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.acceptor.is_ready() {
                return Ok(());
            }
            match self.acceptor.accept()? {
                Accepted::Connection(socket, _) => self.admit(Visit::new(socket), timers, now),
                Accepted::Nobody => {}
                Accepted::Exhausted { .. } => {
                    // Without the spare, it waits for a visit to end.
                    if self.spare.take().is_some() {
                        self.acceptor.wake();
                    }
                }
            }
        }
        self.acceptor.yield_turn(&self.registry)
    }

    /// The socket of a visit is ready. `page` makes the text of the page.
    pub fn on_ready(
        &mut self,
        slot: usize,
        timers: &mut TimerWheel<Timer>,
        page: impl FnOnce() -> String,
    ) {
        if let Some(visit) = self.visits.get_mut(slot)
            && visit.on_ready(page).unwrap_or(Fate::Close) == Fate::Close
        {
            self.remove(slot, timers);
        }
    }

    /// The time of a visit is over.
    pub fn on_deadline(&mut self, slot: usize, timers: &mut TimerWheel<Timer>) {
        self.remove(slot, timers);
    }

    fn admit(&mut self, mut visit: Visit, timers: &mut TimerWheel<Timer>, now: Now) {
        if self.visits.len() >= MAX_VISITS
            && let Some(&oldest) = self.order.first()
        {
            self.remove(oldest, timers);
        }
        let entry = self.visits.vacant_entry();
        let slot = entry.key();
        if visit
            .register(&self.registry, Token(self.first_token + slot))
            .is_err()
        {
            return;
        }
        let deadline: Moment = now.moment.after(VISIT_TIMEOUT);
        visit.timer = timers.arm(deadline.due_tick(), Timer::Visit(slot as u32));
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
        self.spare = self.spare.take().or_else(spare_descriptor);
        if self.acceptor.is_starved() {
            self.acceptor.wake();
        }
    }
}

/// `None` where there is none to be had: then the page must do without.
fn spare_descriptor() -> Option<File> {
    File::open("/dev/null").ok()
}
