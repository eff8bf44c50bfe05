//! Guards paying clients from eviction: the server reads what a victim has sent before it evicts it.

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use crate::support::answers::refusal;
use crate::support::fairness::Standing;
use crate::support::solving::right_line;
use crate::support::subject::Resources;
use crate::support::table::Table;

/// Returns a full table whose clients all hold a puzzle, and the line that solves each.
fn full(slots: usize) -> (Table, Vec<String>) {
    let mut table = Table::with(slots, Resources::built_in());
    let lines = (0..slots).map(|_| table.puzzled().1).collect();
    (table, lines)
}

/// Lets a stamp arrive without an event. The bytes behind it keep the connection open: the server
/// closes at once only if it has read everything.
fn pay(table: &Table, key: usize, line: &str) {
    let bytes = format!("{line}1:\n");
    table.pipes[key].borrow_mut().send(bytes.as_bytes());
}

#[test]
fn a_client_that_has_paid_is_served_before_its_slot_is_taken() {
    let (mut table, lines) = full(2);
    pay(&table, 0, &lines[0]);
    let newcomer = table.connect(None);
    assert!(table.pipes[0].borrow().is_served());
    assert!(table.is_closed(0) && !table.is_closed(1) && !table.is_closed(newcomer));
    assert!(table.pipes[newcomer].borrow().lines().is_empty());
}

#[test]
fn a_client_whose_request_has_arrived_is_not_evicted_before_one_that_sent_nothing() {
    let mut table = Table::with(3, Resources::built_in());
    let keys = [0, 1, 2].map(|_| table.connect(None));
    table.pipes[keys[0]].borrow_mut().send(b"1:\n");
    table.connect(None);
    assert!(!table.is_closed(keys[0]) && table.is_closed(keys[1]));
    assert!(table.pipes[keys[0]].borrow().lines()[0].starts_with("2:"));
}

#[test]
fn an_evicted_client_whose_request_has_arrived_leaves_with_a_puzzle() {
    let mut table = Table::with(1, Resources::built_in());
    let key = table.connect(None);
    table.pipes[key].borrow_mut().send(b"1:\n");
    let newcomer = table.connect(None);
    assert!(table.is_closed(key) && !table.is_closed(newcomer));
    let pipe = table.pipes[key].borrow();
    let [puzzle, busy] = pipe.lines()[..] else {
        panic!("{:?}", pipe.lines());
    };
    assert!(puzzle.starts_with("2:"));
    assert_eq!(busy, refusal(Refusal::ServerBusy));
}

#[test]
fn a_client_that_has_not_paid_is_evicted_and_told() {
    let (mut table, _) = full(2);
    let newcomer = table.connect(None);
    let busy = refusal(Refusal::ServerBusy);
    assert_eq!(table.pipes[0].borrow().last_answer(), Some(&*busy));
    assert!(table.is_closed(0) && !table.is_closed(1) && !table.is_closed(newcomer));
}

#[test]
fn at_most_four_connections_are_read_for_one_newcomer() {
    let scratch = Scratch::new();
    let path = scratch.file("resources", "x".repeat(1_000));
    let resources = Resources::load(path.as_ref()).expect("one resource");
    let mut table = Table::with(6, resources);
    for key in 0..6 {
        // The puzzle fits into the window of the client, and the resource does not.
        table.connect(Some(100));
        table.send(key, b"1:\n");
        let line = right_line(table.pipes[key].borrow().lines()[0]);
        pay(&table, key, &line);
    }
    let newcomer = table.connect(None);
    let busy = refusal(Refusal::ServerBusy);
    assert_eq!(table.pipes[newcomer].borrow().lines(), [busy]);
    assert!(table.is_closed(newcomer));
    let has_paid = |key: usize| table.standing(key) == Some(Standing::Delivering);
    assert!((0..4).all(has_paid) && !(4..6).any(has_paid));
}
