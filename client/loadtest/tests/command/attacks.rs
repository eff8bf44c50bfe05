//! The attacks of the load test, on a small scale: each runs to its end, and has its row in the table.

use std::process::Command;

use powtcp_common::refusal::Refusal;

use crate::loadtest::{LOADTEST, loadtest, with_server};
use crate::support::program::{Expect, Outcome, outcome_of, outcome_with_closed_stdout};

const ATTACKS: [&str; 11] = [
    "silent",
    "asked",
    "slowloris",
    "hoard",
    "garbage",
    "wrong-stamp",
    "never-read",
    "churn",
    "endless-line",
    "crowd",
    "linger",
];
const COLUMNS: &str = "attack opened tried succeeded p50 ms p99 ms max ms x none unserved % reconnects CPU % peak kB \
     log B in s";
/// An attack too weak to disturb a server or an honest client.
const SMALL: [&str; 8] = [
    "--attack-connections",
    "40",
    "--attack-rate",
    "500",
    "--attack-time",
    "200ms",
    "--bits",
    "8",
];

/// Returns the load test with the attack `name`, and with a server of its own.
fn attack(name: &str, arguments: &[&str]) -> Command {
    with_server(loadtest(
        &[&["--attack", name], &SMALL[..], arguments].concat(),
    ))
}

/// Returns the cells of each row of the table, without the header.
#[track_caller]
fn rows(outcome: &Outcome) -> Vec<Vec<String>> {
    let text = outcome.text();
    let (strength, table) = text.split_once("\n\n").expect("a table");
    assert!(
        strength.starts_with("100 honest clients a second, "),
        "{outcome:?}"
    );
    let words = |line: &str| line.split_whitespace().map(String::from).collect();
    let mut rows: Vec<Vec<_>> = table.lines().map(words).collect();
    assert_eq!(rows.remove(0).join(" "), COLUMNS);
    rows
}

#[test]
fn every_attack_runs_to_its_end_and_has_its_row() {
    let outcome = outcome_of(attack("all", &[]));
    outcome.assert_silent_success();
    let rows = rows(&outcome);
    let names: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, [&["none"], &ATTACKS[..]].concat());
    for row in &rows {
        let numbers: Vec<f64> = row[1..]
            .iter()
            .map(|cell| cell.parse().expect("a number"))
            .collect();
        let [opened, tried, succeeded, p50, p99, max, ..] = numbers[..] else {
            panic!("{row:?}")
        };
        assert_eq!(opened > 0.0, row[0] != "none", "{row:?}");
        assert!(tried >= 20.0 && tried == succeeded, "{row:?}");
        assert!(p50 > 0.0 && [p50, p99].is_sorted(), "{row:?}");
        assert!(max > 0.0, "{row:?}");
        let [reconnects, _, peak, log, seconds] = numbers[8..] else {
            panic!("{row:?}")
        };
        assert_eq!(reconnects, 0.0, "{row:?}");
        assert!(peak > 100.0 && log > 0.0 && seconds >= 0.2, "{row:?}");
    }
    assert_eq!(rows[0][7], "1.0");
}

#[test]
fn one_attack_has_its_row_below_the_one_without_an_attack() {
    for name in ["churn", "hoard"] {
        let outcome = outcome_of(attack(name, &["--sources", "1"]));
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        let names: Vec<_> = rows(&outcome)
            .into_iter()
            .map(|row| row[0].clone())
            .collect();
        assert_eq!(names, ["none", name]);
    }
}

#[test]
fn attacks_can_come_through_a_balancer() {
    let outcome = outcome_of(attack("crowd", &["--proxied"]));
    outcome.assert_silent_success();
    assert!(outcome.text().contains("PROXY protocol"), "{outcome:?}");
    assert_eq!(rows(&outcome).len(), 2);
}

#[test]
fn failed_handshakes_are_counted_by_kind_and_are_a_failure() {
    // Of four clients, at least one does not find a stamp of 24 bits before its puzzle expires.
    let options = [
        "--attack",
        "silent",
        "--attack-time",
        "8ms",
        "--honest-rate",
        "500",
        "--bits",
        "24",
    ];
    let mut command = with_server(loadtest(&options));
    // The server takes this option from the environment.
    command.env("POWTCP_TTL", "1ms");
    let outcome = outcome_of(command);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let [error] = &outcome.stderr[..] else {
        panic!("{outcome:?}")
    };
    assert!(error.ends_with(" handshakes failed"), "{outcome:?}");
    let text = outcome.text();
    // `none: 7 failed: refused: ...`
    let failures: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("none: ")?.split_once(" failed: "))
        .collect();
    let expired = format!("refused: {}", Refusal::PuzzleExpired);
    assert!(failures.iter().any(|(_, kind)| *kind == expired), "{text}");
    let counts = failures.iter().map(|(count, _)| count.parse::<u32>());
    let failed: u32 = counts.map(|count| count.expect("a number")).sum();
    let row = text.lines().find_map(|line| line.strip_prefix("none "));
    let cells: Vec<_> = row.expect("a row").split_whitespace().collect();
    let [tried, succeeded]: [u32; 2] =
        [cells[1], cells[2]].map(|cell| cell.parse().expect("a number"));
    assert_eq!(tried, succeeded + failed, "{text}");
}

#[test]
fn too_few_descriptors_are_reported() {
    let run = "ulimit -n 64; exec \"$LOADTEST\" --attack silent --attack-connections 100";
    let mut command = Command::new("sh");
    command
        .args(["-c", run])
        .env("LOADTEST", LOADTEST)
        .env("POWTCP_ATTACK_TIME", "200ms");
    let outcome = outcome_of(with_server(command));
    assert_eq!((outcome.status, &*outcome.text()), (Some(1), ""));
    let [error] = &outcome.stderr[..] else {
        panic!("{outcome:?}")
    };
    assert!(error.contains("`ulimit -n` is too low"), "{error}");
}

#[test]
fn a_table_that_cannot_be_printed_is_not_an_error() {
    outcome_with_closed_stdout(attack("churn", &[])).assert_silent_success();
}
