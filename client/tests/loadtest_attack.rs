//! The load test's attacks, on a small scale: each runs to its end, and the report has its row.

mod support;

use std::env;
use std::ffi::OsString;
use std::process::Command;

use powtcp_common::options::Request;
use powtcp_server::config::{Config, PROGRAM};
use powtcp_server::server::Server;
use support::json::Json;
use support::program::{Outcome, loadtest, outcome_of, outcome_with_closed_stdout};

const ATTACKS: [&str; 9] = [
    "silent",
    "asked",
    "slowloris",
    "hoard",
    "garbage",
    "wrong-stamp",
    "never-read",
    "churn",
    "endless-line",
];
const COLUMNS: &str =
    "attack opened tried succeeded p50 ms p99 ms max ms x none CPU % peak kB log B/min";
/// An attack that no server and no honest client minds.
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

/// No test: what `server.sh` starts, and so the load test under test.
#[test]
#[ignore = "the server that the tests start"]
fn the_server_itself() {
    let Ok(arguments) = env::var("SERVER_ARGUMENTS") else {
        return;
    };
    let arguments = arguments.split(' ').map(OsString::from).collect();
    let Ok(Request::Run(options)) = PROGRAM.read(arguments, env::vars_os()) else {
        panic!("arguments that run a server")
    };
    let config = Config::new(&options).expect("options that are right");
    let server = Server::bind(config).expect("a port that is free");
    server.run().expect("a server that serves");
}

/// The load test, which starts the server above.
fn attack(name: &str, arguments: &[&str]) -> Command {
    with_server(loadtest(
        &[&["--attack", name], &SMALL[..], arguments].concat(),
    ))
}

fn with_server(mut command: Command) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.sh");
    let this_program = env::current_exe().expect("a program that runs");
    command
        .env("TEST_PROGRAM", this_program)
        .env("POWTCP_PROGRAM", script);
    command
}

/// The cells of each row of the table, that of its headings left out.
#[track_caller]
fn rows(outcome: &Outcome) -> Vec<Vec<String>> {
    let text = outcome.text();
    let (told, table) = text.split_once("\n\n").expect("a table");
    assert!(told.starts_with("8 honest clients, "), "{outcome:?}");
    let words = |line: &str| line.split_whitespace().map(String::from).collect();
    let mut rows: Vec<Vec<_>> = table.lines().map(words).collect();
    assert_eq!(rows.remove(0).join(" "), COLUMNS);
    rows
}

#[test]
fn all_attacks_run_to_their_end_and_have_their_rows() {
    let outcome = outcome_of(attack("all", &[]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
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
        assert!(tried >= 8.0 && tried == succeeded, "{row:?}");
        assert!(p50 > 0.0 && [p50, p99].is_sorted(), "{row:?}");
        assert!(max > 0.0, "{row:?}");
        let [peak, log] = numbers[8..] else {
            panic!("{row:?}")
        };
        assert!(peak > 100.0 && log > 0.0, "{row:?}");
    }
    assert_eq!(rows[0][7], "1.0");
}

#[test]
fn one_attack_has_its_row_below_that_of_none() {
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
fn the_rows_also_come_as_json() {
    let outcome = outcome_of(attack("all", &["--json"]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let report = Json::parse(&outcome.text());
    for (name, value) in [
        ("honest_clients", 8.0),
        ("bits", 8.0),
        ("attack_connections", 40.0),
        ("sources", 100.0),
        ("attack_rate", 500.0),
        ("attack_seconds", 0.2),
    ] {
        assert_eq!(report.number(name), value, "{name}");
    }
    let rows = report.list("rows");
    let names: Vec<_> = rows.iter().map(|row| row.field("attack")).collect();
    let expected = [&["none"], &ATTACKS[..]].concat();
    let expected: Vec<_> = expected
        .iter()
        .map(|name| Json::Text(name.to_string()))
        .collect();
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
    for row in rows {
        assert_eq!(row.number("tried"), row.number("succeeded"));
        let latencies = ["p50_ms", "p99_ms", "max_ms"].map(|name| row.number(name));
        assert!(latencies[0] > 0.0 && latencies.is_sorted(), "{row:?}");
        let ratio = row.number("p99_ms") / rows[0].number("p99_ms");
        assert!(
            (row.number("p99_ratio") / ratio - 1.0).abs() < 0.1,
            "{row:?}"
        );
        // The kernel tells of the first thread of the server, which serves nobody in this test.
        assert!(row.number("server_cpu") >= 0.0, "{row:?}");
        assert!(row.number("resident_peak_bytes") > 1e5, "{row:?}");
        assert!(row.number("log_bytes_a_minute") > 0.0, "{row:?}");
        assert_eq!(*row.field("failures"), Json::Object(Vec::new()));
    }
}

#[test]
fn handshakes_that_fail_are_counted_by_kind_and_are_a_failure() {
    // No stamp of so many bits is there in time. The server reads its options from the environment.
    let hard = ["--bits", "24"];
    let arguments = [&["--attack", "silent", "--attack-time", "1ms"], &hard[..]].concat();
    let late = |arguments: &[&str]| {
        let mut command = with_server(loadtest(arguments));
        command.env("POWTCP_TTL", "1ms");
        outcome_of(command)
    };
    let reason = "the server refused: hashcash expiration exceeded";

    let outcome = late(&arguments);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let [error] = &outcome.stderr[..] else {
        panic!("{outcome:?}")
    };
    assert!(error.ends_with(" handshakes failed"), "{outcome:?}");
    let text = outcome.text();
    assert!(text.contains("none: "), "{text}");
    assert!(text.contains(&format!(" failed: {reason}\n")), "{text}");

    let outcome = late(&[&arguments[..], &["--json"]].concat());
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let report = Json::parse(&outcome.text());
    let row = &report.list("rows")[0];
    let failures = row.field("failures").number(reason);
    assert!(failures > 0.0);
    assert_eq!(row.number("tried"), row.number("succeeded") + failures);
}

#[test]
fn too_few_descriptors_are_told_of() {
    let run = "ulimit -n 64; exec \"$LOADTEST\" --attack silent --attack-connections 100";
    let mut command = Command::new("sh");
    command
        .args(["-c", run])
        .env("LOADTEST", env!("CARGO_BIN_EXE_powtcp-loadtest"))
        .env("POWTCP_ATTACK_TIME", "200ms");
    let outcome = outcome_of(with_server(command));
    assert_eq!((outcome.status, &*outcome.text()), (Some(1), ""));
    let [error] = &outcome.stderr[..] else {
        panic!("{outcome:?}")
    };
    assert!(error.contains("`ulimit -n` is too low"), "{error}");
}

#[test]
fn a_report_that_nobody_reads_is_no_panic() {
    let unread = outcome_with_closed_stdout(attack("churn", &[]));
    let ended = (unread.status, unread.stderr.len());
    assert_eq!(ended, (Some(0), 0), "{unread:?}");
}
