//! The load of a gate: relays through a server of the test, beside the same traffic without it.

use powtcp_testkit::process::Outcome;

use crate::loadtest::{loadtest, with_server};
use crate::support::program::{Expect, outcome_of};

fn run(arguments: &[&str]) -> Outcome {
    let load = ["--relay", "-c", "2"];
    outcome_of(with_server(loadtest(&[&load, arguments].concat())))
}

/// Returns the values for the gate and without it in the row `name`.
#[track_caller]
fn values(outcome: &Outcome, name: &str) -> [String; 2] {
    let text = outcome.text();
    let row = text.lines().find_map(|line| line.strip_prefix(name));
    let row = row.unwrap_or_else(|| panic!("no {name:?} in {outcome:?}"));
    let values: Vec<_> = row.split_whitespace().map(String::from).collect();
    values.try_into().expect("two values")
}

#[track_caller]
fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

#[test]
fn each_row_has_a_value_for_the_gate_and_one_without_it() {
    let outcome = run(&["--idle", "3"]);
    outcome.assert_silent_success();
    for name in ["bulk connections", "round trip connections"] {
        assert_eq!(values(&outcome, name), ["2", "2"]);
    }
    for name in [
        "bulk GB/s",
        "round trips a second",
        "round trip p50 ms",
        "round trip p99 ms",
    ] {
        let values = values(&outcome, name);
        assert!(values.iter().all(|value| number(value) >= 0.0), "{name}");
    }
    for name in ["bulk CPU s/GB", "round trip CPU µs"] {
        let [gate, direct] = values(&outcome, name);
        assert!(number(&gate) > 0.0, "{outcome:?}");
        assert_eq!(direct, "-");
    }
    assert_eq!(values(&outcome, "idle relays"), ["3", "-"]);
    let [gate, direct] = values(&outcome, "bytes each idle relay");
    assert!(number(&gate) >= 0.0, "{outcome:?}");
    assert_eq!(direct, "-");
}

#[test]
fn idle_relays_can_be_skipped() {
    let outcome = run(&["--idle", "0"]);
    outcome.assert_silent_success();
    assert!(!outcome.text().contains("idle"), "{outcome:?}");
}

#[test]
fn more_idle_relays_than_a_batch_are_held_at_low_concurrency() {
    let outcome = run(&["--idle", "300"]);
    outcome.assert_silent_success();
    assert_eq!(values(&outcome, "idle relays"), ["300", "-"]);
}

#[test]
fn relays_are_measured_at_a_gate_of_its_own_and_without_an_attack() {
    let server = "127.0.0.1:8080";
    run(&[server]).assert_wrong_usage(&["ADDR", server, "its own gate"]);
    run(&["--attack", "silent"]).assert_wrong_usage(&["--attack", "'silent'", "--relay"]);
    run(&["--proxied"]).assert_wrong_usage(&["--proxied", "--relay pays without a header"]);
}

#[test]
fn relays_that_take_longer_than_the_timeout_are_an_error_without_a_table() {
    let outcome = run(&["--idle", "0", "--timeout", "1ms"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(outcome.text(), "");
    assert_eq!(outcome.stderr.len(), 1, "{outcome:?}");
}
