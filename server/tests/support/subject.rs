//! The server's real table of connections, on sockets without a network and at times that the caller
//! makes up: since the start of the server.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use mio::Poll;
use powtcp_common::log_line::{Format, Level};
use powtcp_server::net::connection::Readiness;
use powtcp_server::net::connections::Connections;
use powtcp_server::net::shared::Shared;
pub(crate) use powtcp_server::resources::Resources;
use powtcp_server::telemetry::log::Log;
use powtcp_server::time::{Moment, Now};

use super::fairness::{Bounds, Standing};
use super::pipe::{FakeSocket, Pipe};
use super::rules::{Rules, fixed, mint};

/// The table under test.
pub(crate) struct Subject {
    pub(crate) connections: Connections<FakeSocket>,
    pub(crate) shared: Shared,
}

impl Subject {
    /// Creates an empty table.
    pub(crate) fn new(bounds: Bounds, rules: Rules, resources: Resources) -> Self {
        // Sockets register here, but nothing polls.
        let poll = Poll::new().expect("a poll");
        let registry = poll.registry().try_clone().expect("a descriptor");
        let log = Log::start(Level::Error, Format::Text).expect("a thread");
        Self {
            connections: Connections::new(bounds),
            shared: Shared::new(rules, mint(), fixed(8), resources, log, registry),
        }
    }

    /// Begins a turn of the event loop: its budgets are full again.
    pub(crate) fn begin_turn(&mut self) {
        self.shared.begin_turn();
    }

    /// Takes in a new connection from `address`, or turns it away.
    pub(crate) fn admit(&mut self, pipe: Rc<RefCell<Pipe>>, address: SocketAddr, now: Duration) {
        let socket = FakeSocket(pipe);
        self.connections
            .admit(socket, address.into(), &mut self.shared, at(now));
    }

    /// Tells the server that a socket is ready to be read or written.
    pub(crate) fn on_ready(&mut self, key: usize, read_closed: bool, now: Duration) {
        let readiness = Readiness {
            read_closed,
            ..Readiness::default()
        };
        self.connections
            .on_ready(key, readiness, &mut self.shared, at(now));
    }

    /// Returns what admission knows about a connection; `None` if there is none with this key.
    pub(crate) fn standing(&self, key: usize) -> Option<Standing> {
        self.connections.limits.standing(key)
    }
}

/// Returns the readings of both clocks at `now`. The wall clock starts at the Unix epoch.
pub(crate) fn at(now: Duration) -> Now {
    Now {
        moment: Moment::new(now),
        wall: now,
    }
}
