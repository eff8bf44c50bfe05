//! All open connections with their deadlines, and the one step that follows whatever touched one.

use std::io;

use mio::net::TcpStream;
use mio::{Registry, Token};
use powtcp_common::address::ClientAddr;
use powtcp_common::refusal::Refusal;
use slab::Slab;

use crate::connection::{Connection, Fate, Readiness, Shared, turn_away};
use crate::limits::{Bounds, Limits, Source, Standing, Verdict};
use crate::log::Kind;
use crate::metrics::Outcome;
use crate::moment::Now;
use crate::responder::Responder;
use crate::session::{End, Session};
use crate::socket::Socket;
use crate::timer_wheel::TimerWheel;
use crate::turn::{Host, Reply, Rules, Turn};

/// Connections looked at to make room for a newcomer: one that has just sent its right stamp is served
/// instead, and may hold its slot until it has its resource.
const LOOKS_FOR_ROOM: u32 = 4;

/// The connections of a server. A connection's token in the poll is its key here.
pub struct Connections<S = TcpStream> {
    table: Slab<Connection<S>>,
    /// Whether a peer may go on sending after its last answer, until its deadline.
    linger: bool,
    registry: Registry,
    /// Who may come in, and who gives way.
    pub limits: Limits,
    /// All deadlines of the server.
    pub timers: TimerWheel<Timer>,
    /// What all connections use.
    pub shared: Shared,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The session of the connection with this key.
    Connection(u32),
    /// The visit of the metrics page in this slot.
    Visit(u32),
    /// Another try to accept, after descriptors were exhausted.
    AcceptRetry,
    /// The summary of log lines that were left out.
    LogSummary,
    /// The end of patience with clients that hold a puzzle.
    Shutdown,
}

impl<S: Socket> Connections<S> {
    /// No connections yet.
    pub fn new(bounds: Bounds, rules: Rules, responder: Responder, registry: Registry) -> Self {
        Self {
            table: Slab::with_capacity(bounds.connections),
            linger: true,
            registry,
            limits: Limits::new(bounds),
            timers: TimerWheel::new(),
            shared: Shared::new(rules, responder),
        }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Those that are open, by their keys.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Connection<S>)> {
        self.table.iter()
    }

    /// Takes a newcomer in, or turns it away where there is no room.
    pub fn admit(&mut self, socket: S, client: ClientAddr, now: Now) {
        self.shared.responder.metrics.accepted += 1;
        let source = Source::from(client.ip());
        if !self.make_room(source, now) {
            let responder = &mut self.shared.responder;
            responder.answer(now, client, Reply::Refusal(Refusal::ServerBusy, b""));
            responder.metrics.closed(Outcome::TurnedAway);
            return turn_away(socket, &mut self.shared);
        }
        self.shared.responder.log_event(now, Kind::Accepted, client);
        let session = Session::new(client, &self.shared.rules, now.moment);
        let entry = self.table.vacant_entry();
        let key = entry.key();
        let connection = entry.insert(Connection::new(socket, session));
        self.limits.enter(key, source);
        let result = connection.register(&self.registry, Token(key));
        self.settle(key, result, now);
    }

    /// The socket of a connection has something to give or to take.
    pub fn on_ready(&mut self, key: usize, readiness: Readiness, now: Now) {
        // An event of a connection that ended earlier in this turn finds nobody.
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        let result = connection.on_ready(readiness, &mut self.shared, now);
        self.settle(key, result, now);
    }

    /// The deadline of a connection has passed: the session's, or the peer's for its last answer.
    pub fn on_deadline(&mut self, key: usize, now: Now) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        if let Some(end) = connection.session.end() {
            return self.remove(key, end.into(), now);
        }
        self.step(key, now, Session::on_deadline);
    }

    /// Ends the sessions of all clients that hold no puzzle, and from now on lingers for nobody.
    pub fn begin_shutdown(&mut self, now: Now) {
        self.linger = false;
        self.step_all(now, Session::on_shutdown);
    }

    /// Ends all sessions.
    pub fn end_shutdown(&mut self, now: Now) {
        self.step_all(now, |session, turn| {
            session.refuse(Refusal::ShuttingDown, turn);
        });
    }

    fn step_all(&mut self, now: Now, act: impl Fn(&mut Session, &mut Turn<'_>)) {
        let keys: Vec<usize> = self.table.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.step(key, now, &act);
        }
    }

    /// Lets a session act on something other than bytes.
    fn step(&mut self, key: usize, now: Now, act: impl FnOnce(&mut Session, &mut Turn<'_>)) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        let result = connection.step(&mut self.shared, now, act);
        self.settle(key, result, now);
    }

    /// Finds a slot for a newcomer from `source`, or takes one from somebody. Whether there is one now.
    fn make_room(&mut self, source: Source, now: Now) -> bool {
        for _ in 0..LOOKS_FOR_ROOM {
            match self.limits.verdict(source) {
                Verdict::Admit => return true,
                Verdict::TurnAway => return false,
                Verdict::AdmitInsteadOf(key) => self.evict(key, now),
            }
        }
        false
    }

    /// Removes a connection, unless it has what it came for. What it has sent is looked at first: a
    /// right stamp is served, and nothing is left that would make closing drop our answer.
    fn evict(&mut self, key: usize, now: Now) {
        if self.limits.standing(key) != Some(Standing::Lingering) {
            self.on_ready(key, Readiness::default(), now);
        }
        let Some((standing, connection)) = self.limits.standing(key).zip(self.table.get_mut(key))
        else {
            return;
        };
        let outcome = match standing {
            Standing::Delivering => return,
            Standing::Lingering => Outcome::Refused,
            Standing::Fresh | Standing::Puzzled => {
                // It is gone either way; a fault of its socket changes nothing.
                let _ = connection.step(&mut self.shared, now, |session, turn| {
                    session.refuse(Refusal::ServerBusy, turn);
                });
                Outcome::Evicted
            }
        };
        self.shared.responder.metrics.evicted(standing);
        self.remove(key, outcome, now);
    }

    /// Comes after anything that touched a connection: keeps it, with its standing and its deadline
    /// noted, or removes it where nothing is owed to it any more.
    fn settle(&mut self, key: usize, result: io::Result<()>, now: Now) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        let settle = |()| connection.settle(&self.registry, Token(key), self.linger);
        if result.and_then(settle).unwrap_or(Fate::Close) == Fate::Close {
            let outcome = connection.session.end().map_or(Outcome::Broken, Into::into);
            return self.remove(key, outcome, now);
        }
        self.limits.place(key, connection.standing());
        let due = connection.session.deadline().due_tick();
        if self.timers.due(connection.timer) != Some(due) {
            self.timers.cancel(connection.timer);
            connection.timer = self.timers.arm(due, Timer::Connection(key as u32));
        }
    }

    fn remove(&mut self, key: usize, outcome: Outcome, now: Now) {
        let Some(connection) = self.table.try_remove(key) else {
            return;
        };
        self.timers.cancel(connection.timer);
        self.limits.leave(key);
        let responder = &mut self.shared.responder;
        responder.metrics.closed(outcome);
        responder.log_event(now, Kind::Closed, connection.session.client());
    }
}

impl From<End> for Outcome {
    fn from(end: End) -> Self {
        match end {
            End::Served => Self::Served,
            End::Refused => Self::Refused,
            End::Left => Self::Left,
        }
    }
}
