//! The real table of connections on sockets that are none, at a time that stands still.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use mio::Poll;
use powtcp_common::hashcash::Dialect;
use powtcp_common::log_line::{Format, Level};
use powtcp_server::connection::Readiness;
use powtcp_server::connections::Connections;
use powtcp_server::limits::{Bounds, WhenFull};
use powtcp_server::log::Log;
use powtcp_server::moment::{Moment, Now};
use powtcp_server::resources::Resources;
use powtcp_server::responder::Responder;

use super::conversation::rules;
use super::pipe::{FakeSocket, Pipe};
use super::solving::right_line;

/// Connections of one source, and their clients.
pub(crate) struct Table {
    pub(crate) connections: Connections<FakeSocket>,
    pub(crate) pipes: Vec<Rc<RefCell<Pipe>>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::with(100, Resources::built_in())
    }

    pub(crate) fn with(slots: usize, resources: Resources) -> Self {
        let poll = Poll::new().expect("a poll");
        let registry = poll.registry().try_clone().expect("a descriptor");
        let log = Log::new(Level::Error, Format::Text);
        let bounds = Bounds {
            connections: slots,
            per_source: 0,
            when_full: WhenFull::Evict,
        };
        let responder = Responder::new(resources, log);
        Self {
            connections: Connections::new(bounds, rules(Dialect::Hashcash), responder, registry),
            pipes: Vec::new(),
        }
    }

    /// A connection of a client that takes so many bytes, or all; returns its key.
    pub(crate) fn connect(&mut self, window: Option<usize>) -> usize {
        let client: SocketAddr = "127.0.0.1:52386".parse().expect("an address");
        let pipe = Pipe::new(window);
        self.connections
            .admit(FakeSocket(pipe.clone()), client.into(), now());
        self.pipes.push(pipe);
        self.pipes.len() - 1
    }

    /// Bytes arrive, and the server is told.
    pub(crate) fn send(&mut self, key: usize, bytes: &[u8]) {
        self.pipes[key].borrow_mut().send(bytes);
        self.hear(key);
    }

    /// The server is told, if there is an event; returns whether there was.
    pub(crate) fn hear(&mut self, key: usize) -> bool {
        let is_event = std::mem::take(&mut self.pipes[key].borrow_mut().event);
        if is_event {
            let read_closed = self.pipes[key].borrow().ended;
            self.connections
                .on_ready(key, Readiness { read_closed }, now());
        }
        is_event
    }

    /// A connection that holds a puzzle; and the line that pays for it.
    pub(crate) fn puzzled(&mut self) -> (usize, String) {
        let key = self.connect(None);
        self.send(key, b"1:\n");
        let line = right_line(self.pipes[key].borrow().lines()[0]);
        (key, line)
    }

    pub(crate) fn is_closed(&self, key: usize) -> bool {
        self.pipes[key].borrow().closed
    }

    pub(crate) fn unsent(&self, key: usize) -> usize {
        let mut open = self.connections.iter();
        let connection = open.find(|&(open, _)| open == key);
        connection.expect("it is open").1.unsent()
    }
}

pub(crate) fn now() -> Now {
    Now {
        moment: Moment::new(Duration::ZERO),
        wall: Duration::ZERO,
    }
}
