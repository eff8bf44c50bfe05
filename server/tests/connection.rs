//! Guards what the server does for one connection and no more: how much it reads, what it does while
//! answers wait, and when it closes. The sockets are none, so each call of theirs is seen.

mod support;

use powtcp_server::connection::Readiness;
use powtcp_server::limits::Standing;
use powtcp_server::resources::Resources;
use support::scratch::Scratch;
use support::table::{Table, now};

/// Bytes that one call of `read` takes at most.
const READ: usize = 16 * 1024;
const NO_MESSAGE: &str = "0:incorrect message format";

/// The key of a connection that was told why not.
fn refused(table: &mut Table) -> usize {
    let key = table.connect(None);
    table.send(key, b"?\n");
    assert_eq!(table.pipes[key].borrow().lines(), [NO_MESSAGE]);
    assert!(table.pipes[key].borrow().shut);
    key
}

#[test]
fn a_refused_client_may_go_on_up_to_a_mebibyte() {
    let mut table = Table::new();
    let key = refused(&mut table);
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
    let keys: Vec<usize> = (0..17).map(|_| refused(&mut table)).collect();
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
    let key = refused(&mut table);
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
fn a_handshake_asks_the_poll_once() {
    let mut table = Table::new();
    let (key, line) = table.puzzled();
    table.send(key, line.as_bytes());
    assert_eq!(table.pipes[key].borrow().registrations, 1);
}

#[test]
fn bytes_are_counted_in_both_directions() {
    let mut table = Table::new();
    let key = table.connect(None);
    table.send(key, b"1:\n1:");
    table.send(key, b"\n");
    let lines = table.pipes[key].borrow().lines().concat().len() + 2;
    let metrics = &table.connections.shared.responder.metrics;
    assert_eq!((metrics.received, metrics.sent), (6, lines as u64));
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
    let (key, line) = table.puzzled();
    table.send(key, (line + excess).as_bytes());
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
        assert_eq!(pay(&mut Table::with(1, resources), ""), is_closed);
    }
}
