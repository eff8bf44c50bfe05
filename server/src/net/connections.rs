//! The table of open connections, and the step that follows each event of one of them.

mod eviction;
mod naming;

use std::io;

use mio::Interest;
use mio::net::TcpStream;
use powtcp_common::address::ClientAddr;
use powtcp_common::refusal::Refusal;
use slab::Slab;

use super::connection::{Connection, HeaderStep, Readiness, read_buffer, turn_away};
use super::io::{Fate, Socket};
use super::shared::{Shared, Timer};
use super::token::Token;
use crate::admission::{Admission, Bounds, Entrance, Limits, Source};
use crate::protocol::{End, Evidence, Reply, Session};
use crate::relay::Entrant;
use crate::telemetry::log::Kind;
use crate::telemetry::metrics::Outcome;
use crate::time::{Moment, Now};
use naming::reset_exempt;

/// The open connections. The key of a connection is its number in [`Token::Connection`].
pub struct Connections<S = TcpStream> {
    table: Slab<Connection<S>>,
    /// Which connections are admitted and evicted.
    pub limits: Limits,
    /// Whether a peer may go on sending after its last answer, until its deadline.
    linger: bool,
    buffer: Box<[u8]>,
    /// Clients to be relayed, from this turn on.
    entrants: Vec<Entrant<S>>,
}

/// A client that has paid, but whose upstream could not be connected.
#[derive(Debug)]
pub struct Returned<S = TcpStream> {
    /// The connection.
    pub socket: S,
    /// The address of the client.
    pub client: ClientAddr,
    /// Answers that it has not taken yet.
    pub unsent: Box<[u8]>,
    /// What it is told.
    pub why: Refusal,
}

impl<S: Socket> Connections<S> {
    /// Creates an empty table.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            table: Slab::with_capacity(bounds.connections),
            limits: Limits::new(bounds),
            linger: true,
            buffer: read_buffer(),
            entrants: Vec::new(),
        }
    }

    /// Returns the number of open connections.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns whether there are no open connections.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Returns the open connections with their keys.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Connection<S>)> {
        self.table.iter()
    }

    /// Admits a newcomer, or turns it away if it gets no slot.
    pub fn admit(&mut self, socket: S, peer: ClientAddr, shared: &mut Shared, now: Now) {
        shared.metrics.accepted += 1;
        let entrance = shared.access.entrance(peer.ip());
        if entrance == Entrance::Exempt {
            return self.admit_exempt(socket, peer, shared, now);
        }
        let source = entrance.source(peer.ip());
        if !self.make_room(source, shared, now) {
            return self.turn_away(socket, peer, Refusal::ServerBusy, shared, now);
        }
        shared.log_event(now, Kind::Accepted, peer);
        let connection = if entrance == Entrance::Header {
            Connection::with_header(socket, Session::unnamed(peer, now.moment))
        } else {
            Connection::new(socket, Session::new(peer, &shared.rules, now.moment))
        };
        let entry = self.table.vacant_entry();
        let key = entry.key();
        let connection = entry.insert(connection);
        self.limits.enter(key, source);
        let result = connection.register(&shared.registry, Token::Connection(key).into());
        self.settle(key, result, shared, now);
    }

    /// Tells a newcomer, which counts as accepted, why it gets no slot, and closes it.
    pub fn turn_away(
        &mut self,
        socket: S,
        client: ClientAddr,
        why: Refusal,
        shared: &mut Shared,
        now: Now,
    ) {
        if shared.access.entrance(client.ip()) == Entrance::Exempt {
            return reset_exempt(&socket, client, why.text(), shared, now);
        }
        let evidence = Evidence::Partial(Box::default());
        shared.answer(now, client, &Reply::Refusal { why, evidence });
        shared.metrics.closed(Outcome::TurnedAway);
        turn_away(socket, &mut self.buffer, shared);
    }

    /// Takes the clients that are to be relayed since the last call. Their connections have left this table.
    pub fn take_entrants(&mut self) -> Vec<Entrant<S>> {
        std::mem::take(&mut self.entrants)
    }

    /// Takes back a client that could not become a relay, tells it why, and closes. If the table is full it
    /// takes no slot.
    pub fn take_back(&mut self, returned: Returned<S>, shared: &mut Shared, now: Now) {
        let Returned {
            mut socket,
            client,
            unsent,
            why,
        } = returned;
        shared.outgoing.extend_from_slice(&unsent);
        let evidence = Evidence::Partial(Box::default());
        // The log line about the end of the relay says more.
        shared.answer_unlogged(&Reply::Refusal { why, evidence });
        let source = Source::from(client.ip());
        let is_free = self.limits.admission(source, 0) == Admission::Admit;
        let key = self.table.vacant_key();
        let token = Token::Connection(key).into();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if !is_free
            || shared
                .registry
                .reregister(&mut socket, token, interest)
                .is_err()
        {
            return turn_away(socket, &mut self.buffer, shared);
        }
        shared.metrics.accepted += 1;
        let unsent = std::mem::take(&mut shared.outgoing).into();
        let session = Session::refused(client, now.moment);
        self.table
            .insert(Connection::with_unsent(socket, session, unsent));
        self.limits.enter(key, source);
        self.on_ready(key, Readiness::default(), shared, now);
    }

    /// Handles an event of a connection's socket.
    pub fn on_ready(&mut self, key: usize, readiness: Readiness, shared: &mut Shared, now: Now) {
        let result = self.transfer(key, readiness, shared, now);
        self.settle(key, result, shared, now);
    }

    /// Handles the deadline of a connection: the session's, or the peer's for its last answer.
    pub fn on_deadline(&mut self, key: usize, shared: &mut Shared, now: Now) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        if let Some(end) = connection.session.end() {
            return self.remove(key, end.into(), shared, now);
        }
        self.prompt(key, shared, now, Session::on_deadline);
    }

    /// Ends the sessions of all clients that hold no puzzle, and stops lingering.
    pub fn begin_shutdown(&mut self, shared: &mut Shared, now: Now) {
        self.linger = false;
        self.prompt_all(shared, now, Session::on_shutdown);
    }

    /// Ends all sessions.
    pub fn end_shutdown(&mut self, shared: &mut Shared, now: Now) {
        self.prompt_all(shared, now, |session, now| {
            session.refuse(Refusal::ShuttingDown, now)
        });
    }

    fn prompt_all(
        &mut self,
        shared: &mut Shared,
        now: Now,
        act: impl Fn(&mut Session, Moment) -> Option<Reply<'static>>,
    ) {
        let keys: Vec<usize> = self.table.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.prompt(key, shared, now, &act);
        }
    }

    /// Lets a session react to something other than bytes, and sends its reply. What its client has sent is
    /// handled first, because it arrived before.
    fn prompt(
        &mut self,
        key: usize,
        shared: &mut Shared,
        now: Now,
        act: impl FnOnce(&mut Session, Moment) -> Option<Reply<'static>>,
    ) {
        let mut result = self.transfer(key, Readiness::UNANNOUNCED, shared, now);
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        if result.is_ok()
            && let Some(reply) = act(&mut connection.session, now.moment)
        {
            result = connection.answer(&reply, shared, now);
        }
        self.settle(key, result, shared, now);
    }

    /// Moves bytes of a connection in both directions, after the header that names its client, if it is to
    /// begin with one.
    fn transfer(
        &mut self,
        key: usize,
        readiness: Readiness,
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<()> {
        // An event of a connection that was removed earlier in this turn is stale.
        let Some(connection) = self.table.get_mut(key) else {
            return Ok(());
        };
        let preread = match connection.read_header(readiness, &mut self.buffer, shared, now)? {
            HeaderStep::Unneeded => None,
            HeaderStep::Pending => return Ok(()),
            HeaderStep::Complete(endpoints, preread) => {
                self.on_header(key, endpoints, preread, shared, now)?
            }
        };
        let Some(connection) = self.table.get_mut(key) else {
            return Ok(());
        };
        connection.transfer(readiness, preread, &mut self.buffer, shared, now)
    }

    /// Updates the standing and the deadline of a connection after anything that touched it, or removes
    /// the connection if it is finished.
    fn settle(&mut self, key: usize, result: io::Result<()>, shared: &mut Shared, now: Now) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        if result.is_ok() && connection.is_relay() {
            return self.hand_over(key, shared, now);
        }
        let token = Token::Connection(key).into();
        let fate =
            result.and_then(|()| connection.finish_turn(&shared.registry, token, self.linger));
        if fate.unwrap_or(Fate::Close) == Fate::Close {
            let outcome = connection.session.end().map_or(Outcome::Broken, Into::into);
            return self.remove(key, outcome, shared, now);
        }
        self.limits.place(key, connection.standing());
        let due = connection.session.deadline().due_tick();
        if shared.timers.due(connection.timer) != Some(due) {
            shared.timers.cancel(connection.timer);
            connection.timer = shared.timers.arm(due, Timer::Connection(key as u32));
        }
    }

    /// Moves a connection that is to be relayed out of the table.
    fn hand_over(&mut self, key: usize, shared: &mut Shared, now: Now) {
        let Some(connection) = self.detach(key, Outcome::Relayed, shared, now) else {
            return;
        };
        if let Ok(entrant) = connection.into_entrant() {
            self.enter(entrant, shared);
        }
    }

    fn remove(&mut self, key: usize, outcome: Outcome, shared: &mut Shared, now: Now) {
        drop(self.detach(key, outcome, shared, now));
    }

    /// Takes a connection out of the table, and counts how it ended here.
    fn detach(
        &mut self,
        key: usize,
        outcome: Outcome,
        shared: &mut Shared,
        now: Now,
    ) -> Option<Connection<S>> {
        let connection = self.table.try_remove(key)?;
        shared.timers.cancel(connection.timer);
        self.limits.leave(key);
        shared.metrics.closed(outcome);
        shared.log_event(now, Kind::Closed, connection.session.client());
        Some(connection)
    }
}

impl From<End> for Outcome {
    fn from(end: End) -> Self {
        match end {
            End::Served => Self::Served,
            End::Paid | End::Exempt => Self::Relayed,
            End::Unnamed => Self::Unnamed,
            End::Refused => Self::Refused,
            End::Left => Self::Left,
        }
    }
}
