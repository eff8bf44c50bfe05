//! Taking newcomers in: so many a turn, and none while there are no descriptors.
//!
//! A burst of newcomers leaves the kernel's listen queue as fast as it can, for whom that queue cannot
//! hold loses a second; then it waits in the lobby to be admitted.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::Registry;
use mio::net::TcpStream;
use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::Value;

use crate::acceptor::{Accepted, Acceptor};
use crate::connections::{Connections, Timer};
use crate::lobby::Lobby;
use crate::log::Kind;
use crate::moment::Now;
use crate::timer_wheel::TimerId;

/// Connections that wait to be admitted: with the 4,096 that the listen queue holds where the system is
/// as it comes, room for 12,000 that come at once.
const LOBBY: usize = 8192;
/// Connections that one turn admits: newcomers must not starve those already in.
const ADMISSIONS_PER_TURN: usize = 64;
/// How long to rest when descriptors are exhausted, should none of ours be freed meanwhile.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// The door of the service.
pub struct Intake {
    /// `None` once it is shut.
    acceptor: Option<Acceptor>,
    /// Who was accepted and not admitted yet.
    lobby: Lobby<(TcpStream, ClientAddr)>,
    /// How many connections there were, those in the lobby among them, when descriptors ran out last.
    most: usize,
    /// The timer of [`Timer::AcceptRetry`], while it is armed.
    retry: Option<TimerId>,
}

impl Intake {
    /// Takes in whom `acceptor` gives.
    pub const fn new(acceptor: Acceptor) -> Self {
        Self {
            acceptor: Some(acceptor),
            lobby: Lobby::new(),
            most: 0,
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

    /// How many wait to be admitted. While there are any the loop must not sleep.
    pub fn waiting(&self) -> usize {
        self.lobby.len()
    }

    /// Stops listening, for good, and drops who was not admitted. Whether it listened until now.
    pub fn shut(&mut self) -> bool {
        self.lobby.clear();
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

    /// Takes in newcomers.
    ///
    /// # Errors
    /// The listening socket failed.
    pub fn take_in(
        &mut self,
        connections: &mut Connections,
        registry: &Registry,
        now: Now,
    ) -> io::Result<()> {
        // With fewer connections than that there are descriptors again.
        if self.is_paused() && connections.len() + self.lobby.len() < self.most {
            self.wake();
        }
        self.accept(connections, registry, now)?;
        for _ in 0..ADMISSIONS_PER_TURN {
            let Some((socket, client)) = self.lobby.pop() else {
                break;
            };
            connections.admit(socket, client, now);
        }
        Ok(())
    }

    /// Fills the lobby.
    fn accept(
        &mut self,
        connections: &mut Connections,
        registry: &Registry,
        now: Now,
    ) -> io::Result<()> {
        let Some(acceptor) = &mut self.acceptor else {
            return Ok(());
        };
        while acceptor.is_ready() {
            if self.lobby.len() >= LOBBY {
                return acceptor.yield_turn(registry);
            }
            match acceptor.accept()? {
                Accepted::Connection(socket, address) => {
                    let client = ClientAddr::from(address);
                    self.lobby.push(client.ip().into(), (socket, client));
                }
                Accepted::Nobody => {}
                Accepted::Exhausted { is_new, error } => {
                    self.most = connections.len() + self.lobby.len();
                    if is_new {
                        report(&error, connections, now);
                    }
                    self.retry.get_or_insert_with(|| {
                        let due = now.moment.after(ACCEPT_RETRY).due_tick();
                        connections.timers.arm(due, Timer::AcceptRetry)
                    });
                }
            }
        }
        Ok(())
    }
}

fn report(error: &io::Error, connections: &mut Connections, now: Now) {
    let open = Value::Number(connections.len() as u64);
    let responder = &mut connections.shared.responder;
    responder.metrics.accept_pauses += 1;
    if responder.log.admits(now, Kind::Paused) {
        let error = error.to_string();
        let fields = [("error", Value::Text(&error)), ("connections", open)];
        responder.log.limited_line(now, Kind::Paused, &fields);
    }
}
