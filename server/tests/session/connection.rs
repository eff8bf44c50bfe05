//! Guards the bounds of the work for one connection: how much the server reads, what it does while
//! answers wait, and when it closes. The sockets are fakes that count their calls.

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use crate::support::answers::refusal;
use crate::support::fairness::Standing;
use crate::support::subject::Resources;
use crate::support::table::Table;

/// The most bytes that one call of `read` returns.
const READ: usize = 16 * 1024;

/// Connects a client that sends a wrong line and is told so; returns its key.
fn refused(table: &mut Table) -> usize {
    let key = table.connect(None);
    table.send(key, b"?\n");
    let answer = refusal(Refusal::IncorrectMessage);
    assert_eq!(table.pipes[key].borrow().lines(), [answer]);
    assert!(table.pipes[key].borrow().shut);
    key
}

#[test]
fn a_refused_client_may_send_one_more_mebibyte() {
    let mut table = Table::new();
    let key = refused(&mut table);
    for _ in 0..64 {
        table.begin_turn();
        table.send(key, &[b'x'; READ]);
        assert!(!table.is_closed(key));
    }
    table.begin_turn();
    table.pipes[key].borrow_mut().reads = 0;
    table.send(key, &[b'x'; 3 * READ]);
    assert!(table.is_closed(key));
    assert_eq!(table.pipes[key].borrow().reads, 1);
}

#[test]
fn all_refused_clients_together_may_send_256_kibibytes_per_turn() {
    let mut table = Table::new();
    let keys: Vec<usize> = (0..17).map(|_| refused(&mut table)).collect();
    for turn in 0..3 {
        table.begin_turn();
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
fn a_client_that_sends_without_a_pause_gets_four_reads_per_turn() {
    let mut table = Table::new();
    let key = refused(&mut table);
    table.pipes[key].borrow_mut().reads = 0;
    table.send(key, &[b'x'; 6 * READ]);
    assert_eq!(table.pipes[key].borrow().reads, 4);
    assert!(table.deliver_event(key), "no event for the rest");
    assert!(table.pipes[key].borrow().unread.is_empty());
}

#[test]
fn a_client_that_requests_without_a_pause_gets_four_reads_of_4_kibibytes_per_turn() {
    let mut table = Table::with_max_puzzles(u32::MAX);
    let key = table.connect(None);
    let requests = 6 * 4096 / 3;
    table.send(key, &b"1:\n".repeat(requests));
    assert_eq!(table.pipes[key].borrow().reads, 4);
    assert_eq!(table.pipes[key].borrow().lines().len(), 4 * 4096 / 3);
    while table.deliver_event(key) {}
    assert_eq!(table.pipes[key].borrow().lines().len(), requests);
}

#[test]
fn no_read_follows_one_that_empties_the_socket() {
    let mut table = Table::new();
    let key = table.connect(None);
    table.send(key, b"1:\n");
    assert_eq!(table.pipes[key].borrow().reads, 1);
}

#[test]
fn a_handshake_registers_its_socket_once() {
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
    assert_eq!(table.counted_bytes(), (6, lines as u64));
}

#[test]
fn the_end_of_stream_is_seen_after_the_bytes_before_it() {
    for bytes in [&b"1:\n"[..], b"1:\n3:", b""] {
        let mut table = Table::new();
        let key = table.connect(None);
        table.pipes[key].borrow_mut().send(bytes);
        table.pipes[key].borrow_mut().end();
        table.deliver_event(key);
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
    table.on_ready(key);
    assert_eq!(table.pipes[key].borrow().reads, reads);
    assert_eq!(table.unsent(key), waiting);

    table.pipes[key].borrow_mut().open_window();
    while table.deliver_event(key) {}
    let pipe = table.pipes[key].borrow();
    let lines = pipe.lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2], refusal(Refusal::IncorrectMessage));
}

#[test]
fn a_last_answer_that_waits_is_delivered_before_the_stream_ends() {
    let mut table = Table::new();
    let key = table.connect(Some(0));
    table.send(key, b"?\n");
    let answer = refusal(Refusal::IncorrectMessage);
    assert_eq!(table.unsent(key), answer.len() + 1);
    assert_eq!(table.standing(key), Some(Standing::Delivering));
    assert!(!table.pipes[key].borrow().shut);
    table.pipes[key].borrow_mut().open_window();
    table.deliver_event(key);
    assert_eq!(table.standing(key), Some(Standing::Lingering));
    assert!(table.pipes[key].borrow().shut);
}

/// Connects a client that pays and sends `excess` behind its stamp. Returns whether the server has
/// closed.
fn pay(table: &mut Table, excess: &str) -> bool {
    let (key, line) = table.puzzled();
    table.send(key, (line + excess).as_bytes());
    assert!(table.pipes[key].borrow().is_served());
    table.is_closed(key)
}

#[test]
fn a_served_client_that_has_sent_no_more_is_closed_at_once() {
    assert!(pay(&mut Table::new(), ""));
    assert!(!pay(&mut Table::new(), "1:\n"));
}

#[test]
fn the_server_lingers_after_a_resource_of_several_segments() {
    let scratch = Scratch::new();
    for (len, is_closed) in [(1_000, true), (2_000, false)] {
        let path = scratch.file("resources", "x".repeat(len));
        let resources = Resources::load(path.as_ref()).expect("one resource");
        assert_eq!(pay(&mut Table::with(1, resources), ""), is_closed);
    }
}
