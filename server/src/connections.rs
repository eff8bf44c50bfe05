//! All open connections with their deadlines, and the one step that follows whatever touched one.

use std::io;

use mio::net::TcpStream;
use mio::{Registry, Token};
use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::{Level, Value};
use powtcp_common::refusal::Refusal;
use slab::Slab;

use crate::config::Config;
use crate::connection::{Connection, Fate, Readiness, turn_away};
use crate::log::Log;
use crate::moment::Now;
use crate::responder::Responder;
use crate::session::Session;
use crate::timer_wheel::TimerWheel;
use crate::turn::{Host, Reply, Rules, Turn};

/// Room for what is read in one call, shared by all connections.
const READ_BUFFER_LEN: usize = 16 * 1024;

/// The connections of a server. A connection's token in the poll is its key here.
pub struct Connections {
    table: Slab<Connection>,
    /// Connections held at once; set by the operator. It bounds memory, whoever connects.
    max: usize,
    /// Whether a peer may go on sending after its last answer, until its deadline.
    linger: bool,
    rules: Rules,
    registry: Registry,
    buffer: Box<[u8]>,
    /// All deadlines of the server.
    pub timers: TimerWheel<Timer>,
    /// What answers and logs for every session.
    pub responder: Responder,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The session of the connection with this key.
    Connection(u32),
    /// Another try to accept, after descriptors were exhausted.
    AcceptRetry,
    /// The summary of log lines that were left out.
    LogSummary,
    /// The end of patience with clients that hold a puzzle.
    Shutdown,
}

impl Connections {
    /// No connections yet.
    pub fn new(config: Config, registry: Registry) -> Self {
        let log = Log::new(config.log_level, config.log_format);
        Self {
            table: Slab::with_capacity(config.max_connections),
            max: config.max_connections,
            linger: true,
            rules: config.rules,
            registry,
            buffer: vec![0; READ_BUFFER_LEN].into_boxed_slice(),
            timers: TimerWheel::new(),
            responder: Responder::new(config.resources, log),
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

    /// The rules that every session is held to.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Takes a newcomer in, or turns it away where there is no room.
    pub fn admit(&mut self, mut socket: TcpStream, client: ClientAddr, now: Now) {
        if self.table.len() >= self.max {
            self.responder
                .answer(now, client, Reply::Refusal(Refusal::ServerBusy, b""));
            turn_away(&mut socket, self.responder.outgoing(), &mut self.buffer);
            return self.responder.sent();
        }
        self.log_debug(now, "connection accepted", client);
        let session = Session::new(client, &self.rules, now.moment);
        let entry = self.table.vacant_entry();
        let key = entry.key();
        let connection = entry.insert(Connection::new(socket, session));
        let result = connection.register(&self.registry, Token(key));
        self.settle(key, result, now);
    }

    /// The socket of a connection has something to give or to take.
    pub fn on_ready(&mut self, key: usize, readiness: Readiness, now: Now) {
        let Self {
            table,
            buffer,
            rules,
            responder,
            ..
        } = self;
        // An event of a connection that ended earlier in this turn finds nobody.
        let Some(connection) = table.get_mut(key) else {
            return;
        };
        let result = connection.on_ready(readiness, buffer, rules, responder, now);
        self.settle(key, result, now);
    }

    /// The deadline of a connection has passed: the session's, or the peer's for its last answer.
    pub fn on_deadline(&mut self, key: usize, now: Now) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        if connection.session.end().is_some() {
            return self.remove(key, now);
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
        let result = connection.step(&self.rules, &mut self.responder, now, act);
        self.settle(key, result, now);
    }

    /// Comes after anything that touched a connection: keeps it, with its deadline armed, or removes
    /// it. Nothing else does either.
    fn settle(&mut self, key: usize, result: io::Result<()>, now: Now) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        let settle = |()| connection.settle(&self.registry, Token(key), self.linger);
        if result.and_then(settle).unwrap_or(Fate::Close) == Fate::Close {
            return self.remove(key, now);
        }
        let due = connection.session.deadline().due_tick();
        if self.timers.due(connection.timer) != Some(due) {
            self.timers.cancel(connection.timer);
            connection.timer = self.timers.arm(due, Timer::Connection(key as u32));
        }
    }

    fn remove(&mut self, key: usize, now: Now) {
        let Some(connection) = self.table.try_remove(key) else {
            return;
        };
        self.timers.cancel(connection.timer);
        self.log_debug(now, "connection closed", connection.session.client());
    }

    fn log_debug(&mut self, now: Now, message: &str, client: ClientAddr) {
        if self.responder.log.shows(Level::Debug) {
            let client = client.to_string();
            let fields = [("client", Value::Text(&client))];
            self.responder.log.line(now, Level::Debug, message, &fields);
        }
    }
}
