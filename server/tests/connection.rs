//! Guards what the server does for one connection and no more: how much it reads, what it does while
//! answers wait, and when it closes. The sockets are none, so each call of theirs is seen.

mod support;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use mio::Poll;
use powtcp_common::hashcash::Dialect;
use powtcp_common::log_line::{Format, Level};
use powtcp_server::connection::Readiness;
use powtcp_server::connections::Connections;
use powtcp_server::limits::{Bounds, Standing, WhenFull};
use powtcp_server::log::Log;
use powtcp_server::moment::{Moment, Now};
use powtcp_server::resources::Resources;
use powtcp_server::responder::Responder;
use support::conversation::rules;
use support::pipe::{FakeSocket, Pipe};
use support::scratch::Scratch;
use support::solving::right_line;

/// Bytes that one call of `read` takes at most.
const READ: usize = 16 * 1024;
const NO_MESSAGE: &str = "0:incorrect message format";

/// Connections at a time that stands still.
struct Table {
    connections: Connections<FakeSocket>,
    pipes: Vec<Rc<RefCell<Pipe>>>,
}

impl Table {
    fn new() -> Self {
        Self::with(Resources::built_in())
    }

    fn with(resources: Resources) -> Self {
        let poll = Poll::new().expect("a poll");
        let registry = poll.registry().try_clone().expect("a descriptor");
        let log = Log::new(Level::Error, Format::Text);
        let bounds = Bounds {
            connections: 100,
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
    fn connect(&mut self, window: Option<usize>) -> usize {
        let client: SocketAddr = "127.0.0.1:52386".parse().expect("an address");
        let pipe = Pipe::new(window);
        self.connections
            .admit(FakeSocket(pipe.clone()), client.into(), now());
        self.pipes.push(pipe);
        self.pipes.len() - 1
    }

    /// Bytes arrive, and the server is told.
    fn send(&mut self, key: usize, bytes: &[u8]) {
        self.pipes[key].borrow_mut().send(bytes);
        self.hear(key);
    }

    /// The server is told, if there is an event; returns whether there was.
    fn hear(&mut self, key: usize) -> bool {
        let is_event = std::mem::take(&mut self.pipes[key].borrow_mut().event);
        if is_event {
            let read_closed = self.pipes[key].borrow().ended;
            self.connections
                .on_ready(key, Readiness { read_closed }, now());
        }
        is_event
    }

    fn refused(&mut self) -> usize {
        let key = self.connect(None);
        self.send(key, b"?\n");
        assert_eq!(self.pipes[key].borrow().lines(), [NO_MESSAGE]);
        assert!(self.pipes[key].borrow().shut);
        key
    }

    fn is_closed(&self, key: usize) -> bool {
        self.pipes[key].borrow().closed
    }

    fn unsent(&self, key: usize) -> usize {
        let mut open = self.connections.iter();
        let connection = open.find(|&(open, _)| open == key);
        connection.expect("it is open").1.unsent()
    }
}

fn now() -> Now {
    Now {
        moment: Moment::new(Duration::ZERO),
        wall: Duration::ZERO,
    }
}

#[test]
fn a_refused_client_may_go_on_up_to_a_mebibyte() {
    let mut table = Table::new();
    let key = table.refused();
    for _ in 0..64 {
        table.connections.shared.begin_turn();
        table.send(key, &[b'x'; READ]);
        assert!(!table.is_closed(key));
    }
    table.connections.shared.begin_turn();
    table.pipes[key].borrow_mut().reads = 0;
    table.send(key, &[b'x'; 3 * READ]);
    assert!(table.is_closed(key));
    assert_eq!(table.pipes[key].borrow().reads, 1);
}

#[test]
fn in_one_turn_all_refused_clients_may_send_256_kibibytes() {
    let mut table = Table::new();
    let keys: Vec<usize> = (0..17).map(|_| table.refused()).collect();
    for turn in 0..3 {
        table.connections.shared.begin_turn();
        for &key in &keys[..15] {
            table.send(key, &[b'x'; READ]);
            assert!(!table.is_closed(key), "turn {turn}");
        }
    }
    table.send(keys[15], &[b'x'; READ]);
    table.send(keys[16], b"x");
    assert!(table.is_closed(keys[15]) && table.is_closed(keys[16]));
}

#[test]
fn a_client_that_sends_as_fast_as_it_can_gets_four_reads_a_turn() {
    let mut table = Table::new();
    let key = table.refused();
    table.pipes[key].borrow_mut().reads = 0;
    table.send(key, &[b'x'; 6 * READ]);
    assert_eq!(table.pipes[key].borrow().reads, 4);
    assert!(table.hear(key), "its next turn comes");
    assert!(table.pipes[key].borrow().unread.is_empty());
}

#[test]
fn a_read_that_empties_the_socket_is_the_last() {
    let mut table = Table::new();
    let key = table.connect(None);
    table.send(key, b"1:\n");
    assert_eq!(table.pipes[key].borrow().reads, 1);
}

#[test]
fn the_end_of_stream_is_seen_behind_the_bytes_before_it() {
    for bytes in [&b"1:\n"[..], b"1:\n3:", b""] {
        let mut table = Table::new();
        let key = table.connect(None);
        table.pipes[key].borrow_mut().send(bytes);
        table.pipes[key].borrow_mut().end();
        table.hear(key);
        assert!(table.is_closed(key));
    }
}

#[test]
fn nothing_is_read_while_answers_wait() {
    let mut table = Table::new();
    let key = table.connect(Some(10));
    table.send(key, b"1:\n");
    let waiting = table.unsent(key);
    assert!(waiting > 0);
    let reads = table.pipes[key].borrow().reads;
    table.pipes[key].borrow_mut().send(b"1:\n?\n");
    table.connections.on_ready(key, Readiness::default(), now());
    assert_eq!(table.pipes[key].borrow().reads, reads);
    assert_eq!(table.unsent(key), waiting);

    table.pipes[key].borrow_mut().open_window();
    while table.hear(key) {}
    let pipe = table.pipes[key].borrow();
    let lines = pipe.lines();
    assert_eq!((lines.len(), lines[2]), (3, NO_MESSAGE));
}

#[test]
fn a_last_word_that_waits_is_being_delivered() {
    let mut table = Table::new();
    let key = table.connect(Some(0));
    table.send(key, b"?\n");
    assert_eq!(table.unsent(key), NO_MESSAGE.len() + 1);
    let standing = |table: &Table| table.connections.limits.standing(key);
    assert_eq!(standing(&table), Some(Standing::Delivering));
    assert!(!table.pipes[key].borrow().shut);
    table.pipes[key].borrow_mut().open_window();
    table.hear(key);
    assert_eq!(standing(&table), Some(Standing::Lingering));
    assert!(table.pipes[key].borrow().shut);
}

/// Pays on a connection of its own, and sends `excess` behind its stamp; whether it was closed on.
fn pay(table: &mut Table, excess: &str) -> bool {
    let key = table.connect(None);
    table.send(key, b"1:\n");
    let puzzle = table.pipes[key].borrow().lines()[0].to_string();
    let line = right_line(&puzzle) + excess;
    table.send(key, line.as_bytes());
    assert!(table.pipes[key].borrow().is_served());
    table.is_closed(key)
}

#[test]
fn a_client_that_was_served_and_has_sent_no_more_is_closed_on_at_once() {
    assert!(pay(&mut Table::new(), ""));
    assert!(!pay(&mut Table::new(), "1:\n"));
}

#[test]
fn a_client_of_a_resource_that_takes_several_segments_is_waited_for() {
    let scratch = Scratch::new();
    for (len, is_closed) in [(1_000, true), (2_000, false)] {
        let path = scratch.file("resources", "x".repeat(len));
        let resources = Resources::load(path.as_ref()).expect("one resource");
        assert_eq!(pay(&mut Table::with(resources), ""), is_closed);
    }
}
