//! Attackers that pay, on a small scale: a row for the fixed difficulty, and one for the rising price.

use crate::loadtest::{loadtest, with_server};
use crate::support::program::{Expect, Outcome, outcome_of};

const COLUMNS: &str =
    "bits attackers/s refused solved bits first highest last served unserved p50 ms p99 ms";

/// Attacks at `bits` for half a second. The server's target rate is the lowest, so that the price rises at
/// once.
fn attack(bits: &str, arguments: &[&str]) -> Outcome {
    let options = ["--attack", "paid", "--attack-time", "500ms", "--bits", bits];
    let mut command = with_server(loadtest(&[&options, arguments].concat()));
    // The server takes this option from the environment.
    command.env("POWTCP_TARGET_RATE", "1");
    outcome_of(command)
}

/// Returns the price and the numbers of each row of the table. A cell without a number is equal to none.
#[track_caller]
fn rows(outcome: &Outcome) -> Vec<(String, Vec<f64>)> {
    let text = outcome.text();
    let (_, table) = text.split_once("\n\n").expect("a table");
    let mut lines = table.lines().take(3);
    let words = |line: &str| line.split_whitespace().map(String::from).collect();
    let header: Vec<String> = lines.next().map(words).expect("a header");
    assert_eq!(header.join(" "), COLUMNS);
    let row = |line: &str| {
        let mut cells: Vec<String> = words(line);
        let name = cells.remove(0);
        let numbers = cells.iter().map(|cell| cell.parse().unwrap_or(f64::NAN));
        (name, numbers.collect())
    };
    lines.map(row).collect()
}

#[test]
fn the_rising_price_has_its_row_below_the_fixed_difficulty() {
    let outcome = attack("4", &["--attack-threads", "2", "--sources", "3"]);
    outcome.assert_silent_success();
    let strength = "10 honest clients a second; attackers: 2 thread(s), 3 address(es), 0.5 s\n";
    assert!(outcome.text().starts_with(strength), "{outcome:?}");
    let [(fixed, before), (rising, after)] = &rows(&outcome)[..] else {
        panic!("{outcome:?}")
    };
    assert_eq!([fixed, rising], ["4", "4..24"]);
    for row in [before, after] {
        let [served, unserved, p50, p99] = row[6..] else {
            panic!("{row:?}")
        };
        assert_eq!([served, unserved], [5.0, 0.0], "{outcome:?}");
        assert!(0.0 < p50 && p50 <= p99, "{outcome:?}");
        assert!(row[0] > 0.0, "{outcome:?}");
    }
    assert_eq!(before[2..6], [4.0; 4], "{outcome:?}");
    let [solved, first, highest, last] = after[2..6] else {
        panic!("{after:?}")
    };
    assert!(first < highest && last <= highest, "{outcome:?}");
    assert!(solved > 4.0, "{outcome:?}");
}

#[test]
fn an_unserved_honest_client_is_a_failure() {
    let outcome = attack("4", &["--timeout", "1ms", "--honest-rate", "100"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let unserved: f64 = rows(&outcome).iter().map(|(_, row)| row[7]).sum();
    let reason = format!("powtcp-loadtest: {unserved} handshakes failed");
    assert_eq!(outcome.stderr, [reason]);
    assert!(outcome.text().contains(" failed: "), "{outcome:?}");
}

#[test]
fn attackers_that_pay_can_come_through_a_balancer() {
    let outcome = attack("4", &["--proxied"]);
    outcome.assert_silent_success();
    assert!(rows(&outcome).iter().all(|(_, row)| row[0] > 0.0));
}

#[test]
fn they_attack_a_server_of_the_test_only() {
    let outcome = attack("4", &["127.0.0.1:8080"]);
    outcome.assert_wrong_usage(&["ADDR", "127.0.0.1:8080", "of this test's own"]);
}
