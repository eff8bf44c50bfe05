//! Guards paying clients from eviction: the server reads what a victim has sent before it evicts it.

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
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
fn a_client_that_has_paid_is_served_and_the_next_one_is_evicted() {
    let (mut table, lines) = full(2);
    pay(&table, 0, &lines[0]);
    let newcomer = table.connect(None);
    assert!(table.pipes[0].borrow().is_served());
    assert!(!table.is_closed(0));
    let busy = refusal(Refusal::ServerBusy);
    assert_eq!(table.pipes[1].borrow().last_answer(), Some(&*busy));
    assert!(table.is_closed(1));
    assert!(table.pipes[newcomer].borrow().lines().is_empty());
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
    let (mut table, lines) = full(6);
    for (key, line) in lines.iter().enumerate() {
        pay(&table, key, line);
    }
    let newcomer = table.connect(None);
    let busy = refusal(Refusal::ServerBusy);
    assert_eq!(table.pipes[newcomer].borrow().lines(), [busy]);
    assert!(table.is_closed(newcomer));
    let is_served = |key: usize| table.pipes[key].borrow().is_served();
    assert!((0..4).all(is_served) && !(4..6).any(is_served));
}
