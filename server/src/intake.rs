//! Taking newcomers in: so many a turn, and none while there are no descriptors.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::Registry;
use powtcp_common::log_line::{Level, Value};

use crate::acceptor::{Accepted, Acceptor};
use crate::connections::{Connections, Timer};
use crate::moment::Now;
use crate::timer_wheel::TimerId;

/// Connections that one turn accepts: newcomers must not starve those already in.
const ACCEPTS_PER_TURN: usize = 256;
/// How long to rest when descriptors are exhausted, should none of ours be freed meanwhile.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// The door of the service.
pub struct Intake {
    /// `None` once it is shut.
    acceptor: Option<Acceptor>,
    /// The timer of [`Timer::AcceptRetry`], while it is armed.
    retry: Option<TimerId>,
}

impl Intake {
    /// Takes in whom `acceptor` gives.
    pub const fn new(acceptor: Acceptor) -> Self {
        Self {
            acceptor: Some(acceptor),
            retry: None,
        }
    }

    /// Where it listens; `None` once it is shut.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.acceptor.as_ref()?.local_addr().ok()
    }

    /// Whether it rests for want of descriptors.
    pub fn is_paused(&self) -> bool {
        self.acceptor.as_ref().is_some_and(Acceptor::is_starved)
    }

    /// Whether nobody is taken in any more.
    pub const fn is_shut(&self) -> bool {
        self.acceptor.is_none()
    }

    /// Stops listening, for good. Whether it did until now.
    pub fn shut(&mut self) -> bool {
        self.acceptor.take().is_some()
    }

    /// Somebody may be waiting.
    pub fn wake(&mut self) {
        self.acceptor.iter_mut().for_each(Acceptor::wake);
    }

    /// The rest is over.
    pub fn on_retry(&mut self) {
        self.retry = None;
        self.wake();
    }

    /// Takes in newcomers. `held` connections were open when the turn began: where there are fewer
    /// now, there are descriptors again.
    ///
    /// # Errors
    /// The listening socket failed.
    pub fn accept(
        &mut self,
        connections: &mut Connections,
        held: usize,
        registry: &Registry,
        now: Now,
    ) -> io::Result<()> {
        let Some(acceptor) = &mut self.acceptor else {
            return Ok(());
        };
        if acceptor.is_starved() && connections.len() < held {
            acceptor.wake();
        }
        for _ in 0..ACCEPTS_PER_TURN {
            if !acceptor.is_ready() {
                return Ok(());
            }
            match acceptor.accept()? {
                Accepted::Connection(socket, address) => {
                    connections.admit(socket, address.into(), now);
                }
                Accepted::Nobody => {}
                Accepted::Exhausted { is_new, error } => {
                    if is_new {
                        report(&error, connections, now);
                    }
                    self.rest(connections, now);
                    return Ok(());
                }
            }
        }
        acceptor.yield_turn(registry)
    }

    /// No descriptor is left: accepting rests until one of ours is freed, or for a while.
    fn rest(&mut self, connections: &mut Connections, now: Now) {
        self.retry.get_or_insert_with(|| {
            let due = now.moment.after(ACCEPT_RETRY).due_tick();
            connections.timers.arm(due, Timer::AcceptRetry)
        });
    }
}

fn report(error: &io::Error, connections: &mut Connections, now: Now) {
    let error = error.to_string();
    let open = Value::Number(connections.len() as u64);
    let fields = [("error", Value::Text(&error)), ("connections", open)];
    let responder = &mut connections.shared.responder;
    responder.metrics.accept_pauses += 1;
    responder
        .log
        .line(now, Level::Warn, "accepting paused", &fields);
}
