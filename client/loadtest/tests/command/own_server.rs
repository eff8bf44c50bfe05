//! The load test with a server of its own, without an attack: the rows about the server.

use powtcp_testkit::process::Outcome;

use crate::loadtest::{loadtest, row, with_server};
use crate::support::program::{Expect, outcome_of};

const LOAD: [&str; 8] = [
    "-n",
    "200",
    "-c",
    "8",
    "--sources",
    "2",
    "--honest-rate",
    "0",
];

fn run(arguments: &[&str]) -> Outcome {
    outcome_of(with_server(loadtest(&[&LOAD, arguments].concat())))
}

/// Returns the number in the row `name`, which ends with `unit`.
#[track_caller]
fn number(outcome: &Outcome, name: &str, unit: &str) -> f64 {
    let value = row(outcome, name);
    let number = value.strip_suffix(unit).expect("a value in this unit");
    number.trim_end().parse().expect("a number")
}

#[test]
fn processor_time_and_memory_of_the_server_are_in_the_table() {
    let outcome = run(&["--idle", "30"]);
    outcome.assert_silent_success();
    assert_eq!(row(&outcome, "failures"), "0");
    assert!(number(&outcome, "server CPU a handshake", "µs") > 0.0);
    let rest = number(&outcome, "resident at rest", "kB");
    let peak = number(&outcome, "resident at its peak", "kB");
    assert!(0.0 < rest && rest <= peak, "{outcome:?}");
    assert_eq!(row(&outcome, "idle connections"), "30");
    for stage in ["silent", "holding a puzzle"] {
        assert!(number(&outcome, &format!("bytes each, {stage}"), "") >= 0.0);
    }
}

#[test]
fn the_same_can_be_measured_behind_a_balancer() {
    let outcome = run(&["--proxied", "--idle", "30"]);
    outcome.assert_silent_success();
    assert_eq!(row(&outcome, "each begins with"), "a PROXY protocol header");
    assert_eq!(row(&outcome, "failures"), "0");
    assert_eq!(row(&outcome, "idle connections"), "30");
}

#[test]
fn more_idle_connections_than_a_batch_are_held_at_low_concurrency() {
    let outcome = run(&["--idle", "1500"]);
    outcome.assert_silent_success();
    assert_eq!(row(&outcome, "idle connections"), "1500");
}

#[test]
fn idle_connections_can_be_skipped() {
    let outcome = run(&["--idle", "0"]);
    outcome.assert_silent_success();
    assert!(!outcome.text().contains("idle"), "{outcome:?}");
}
