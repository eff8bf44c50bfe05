//! Guards those who have paid from having to make room: what they sent is looked at before they go.

mod support;

use powtcp_server::resources::Resources;
use support::table::Table;

const BUSY: &str = "0:server is busy";

/// A full table whose clients all hold a puzzle, and the lines that pay.
fn full(slots: usize) -> (Table, Vec<String>) {
    let mut table = Table::with(slots, Resources::built_in());
    let lines = (0..slots).map(|_| table.puzzled().1).collect();
    (table, lines)
}

/// The stamp arrives with more behind it, so that its sender stays, and no event has told of it yet.
fn pay(table: &Table, key: usize, line: &str) {
    let bytes = format!("{line}1:\n");
    table.pipes[key].borrow_mut().send(bytes.as_bytes());
}

#[test]
fn who_has_paid_is_served_and_the_next_makes_room() {
    let (mut table, lines) = full(2);
    pay(&table, 0, &lines[0]);
    let newcomer = table.connect(None);
    assert!(table.pipes[0].borrow().is_served());
    assert!(!table.is_closed(0));
    assert_eq!(table.pipes[1].borrow().last_word(), Some(BUSY));
    assert!(table.is_closed(1));
    assert!(table.pipes[newcomer].borrow().lines().is_empty());
}

#[test]
fn who_has_not_paid_makes_room_and_is_told() {
    let (mut table, _) = full(2);
    let newcomer = table.connect(None);
    assert_eq!(table.pipes[0].borrow().last_word(), Some(BUSY));
    assert!(table.is_closed(0) && !table.is_closed(1) && !table.is_closed(newcomer));
}

#[test]
fn a_newcomer_has_four_looked_at_and_no_more() {
    let (mut table, lines) = full(6);
    for (key, line) in lines.iter().enumerate() {
        pay(&table, key, line);
    }
    let newcomer = table.connect(None);
    assert_eq!(table.pipes[newcomer].borrow().lines(), [BUSY]);
    assert!(table.is_closed(newcomer));
    let is_served = |key: usize| table.pipes[key].borrow().is_served();
    assert!((0..4).all(is_served) && !(4..6).any(is_served));
}
