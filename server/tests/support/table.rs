//! A table of connections of one source, and the client's end of each, at time zero for ever.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use powtcp_common::hashcash::Dialect;

use super::fairness::{Bounds, Standing, WhenFull};
use super::pipe::Pipe;
use super::rules::{Rules, rules};
use super::solving::right_line;
use super::subject::{Resources, Subject};

/// The table, and a pipe for each connection that ever was, in order. A test that never reuses a
/// slot can take the place of a pipe as the key of its connection.
pub(crate) struct Table {
    subject: Subject,
    pub(crate) pipes: Vec<Rc<RefCell<Pipe>>>,
}

impl Table {
    /// Creates an empty table that no test here fills.
    pub(crate) fn new() -> Self {
        Self::with(100, Resources::built_in())
    }

    /// Creates an empty table whose clients may ask for `max_puzzles` puzzles each.
    pub(crate) fn with_max_puzzles(max_puzzles: u32) -> Self {
        let rules = Rules {
            max_puzzles,
            ..rules(Dialect::Hashcash)
        };
        Self::with_rules(100, rules, Resources::built_in())
    }

    /// Creates an empty table of `slots` connections that serves `resources`.
    pub(crate) fn with(slots: usize, resources: Resources) -> Self {
        Self::with_rules(slots, rules(Dialect::Hashcash), resources)
    }

    fn with_rules(slots: usize, rules: Rules, resources: Resources) -> Self {
        let bounds = Bounds {
            connections: slots,
            per_source: 0,
            when_full: WhenFull::Evict,
        };
        Self {
            subject: Subject::new(bounds, rules, resources),
            pipes: Vec::new(),
        }
    }

    /// Connects a client that takes `window` bytes of answers, or all, and returns its key.
    pub(crate) fn connect(&mut self, window: Option<usize>) -> usize {
        let client: SocketAddr = "127.0.0.1:52386".parse().expect("an address");
        let pipe = Pipe::new(window);
        self.subject.admit(pipe.clone(), client, Duration::ZERO);
        self.pipes.push(pipe);
        self.pipes.len() - 1
    }

    /// Begins a turn of the event loop.
    pub(crate) fn begin_turn(&mut self) {
        self.subject.begin_turn();
    }

    /// Lets bytes of a client arrive, and delivers the event if there is one.
    pub(crate) fn send(&mut self, key: usize, bytes: &[u8]) {
        self.pipes[key].borrow_mut().send(bytes);
        self.deliver_event(key);
    }

    /// Delivers the pending event of a connection, and returns whether there was one.
    pub(crate) fn deliver_event(&mut self, key: usize) -> bool {
        let is_pending = std::mem::take(&mut self.pipes[key].borrow_mut().event);
        if is_pending {
            self.on_ready(key);
        }
        is_pending
    }

    /// Tells the server that a socket is ready, whether it is or not.
    pub(crate) fn on_ready(&mut self, key: usize) {
        let read_closed = self.pipes[key].borrow().ended;
        self.subject.on_ready(key, read_closed, Duration::ZERO);
    }

    /// Connects a client and gets it a puzzle; returns its key and the line that solves the puzzle.
    pub(crate) fn puzzled(&mut self) -> (usize, String) {
        let key = self.connect(None);
        self.send(key, b"1:\n");
        let line = right_line(self.pipes[key].borrow().lines()[0]);
        (key, line)
    }

    /// Returns whether the server has closed its socket.
    pub(crate) fn is_closed(&self, key: usize) -> bool {
        self.pipes[key].borrow().closed
    }

    /// Returns what admission knows about a connection.
    pub(crate) fn standing(&self, key: usize) -> Option<Standing> {
        self.subject.standing(key)
    }

    /// Returns how many bytes of answers wait in the server.
    pub(crate) fn unsent(&self, key: usize) -> usize {
        let mut open = self.subject.connections.iter();
        let connection = open.find(|&(open, _)| open == key);
        connection.expect("an open connection").1.unsent()
    }

    /// Returns how many bytes the metrics count as received and as sent.
    pub(crate) fn counted_bytes(&self) -> (u64, u64) {
        let metrics = &self.subject.shared.metrics;
        (metrics.received, metrics.sent)
    }
}
