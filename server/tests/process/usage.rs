//! Guards the command line: a wrong value, from whatever source, ends the program with status 2 and a line
//! that names the option and the value; a port in use ends it with status 1.

use std::net::TcpListener;
use std::process::Command;

use powtcp_testkit::scratch::Scratch;

use crate::support::server::{Outcome, PROGRAM, command, outcome_of};

const NUMBERS: [&str; 8] = [
    "",
    "0",
    "-1",
    "+1",
    "1.5",
    "0x10",
    "ten",
    "99999999999999999999",
];
const DURATIONS: [&str; 8] = ["", "10", "s", "-1s", "1.5s", "1 s", "10S", "25h"];

/// For each option the wrong values of its own and those of its kind. Files of resources are in
/// `config.rs`.
const WRONG: [(&str, &[&str], &[&str]); 12] = [
    (
        "--listen",
        &[
            "",
            "8080",
            "127.0.0.1",
            ":",
            ":65536",
            "127.0.0.1:65536",
            "127.0.0.256:80",
            "localhost",
            "http://localhost:80",
            "[localhost]:80",
        ],
        &[],
    ),
    ("--metrics", &["", "9976", "localhost"], &[]),
    ("--check", &[], &[]),
    ("--bits", &["65", "161"], &NUMBERS),
    ("--dialect", &["", "Hashcash", "hash", "go"], &[]),
    ("--ttl", &["0ms", "0s"], &DURATIONS),
    ("--handshake-timeout", &["0ms", "0s"], &DURATIONS),
    ("--shutdown-timeout", &[], &DURATIONS),
    ("--max-connections", &[], &NUMBERS),
    ("--max-puzzles", &["4294967296"], &NUMBERS),
    ("--log-level", &["", "INFO", "trace"], &[]),
    ("--log-format", &["", "JSON", "xml"], &[]),
];

fn wrong_values() -> impl Iterator<Item = (&'static str, &'static str)> {
    WRONG.into_iter().flat_map(|(option, own, common)| {
        own.iter().chain(common).map(move |&value| (option, value))
    })
}

/// Wrong values in the environment or in a file, where an empty value counts as not set.
fn wrong_settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    wrong_values()
        .filter(|(_, value)| !value.is_empty())
        .chain([("--check", "yes")])
}

/// Returns the name of the variable for `--some-name`.
fn variable(option: &str) -> String {
    format!("POWTCP_{}", option[2..].replace('-', "_").to_uppercase())
}

/// Expects a usage error that contains all `names`.
#[track_caller]
fn assert_wrong(outcome: &Outcome, names: &[&str]) {
    let text = outcome.stderr_text();
    assert_eq!(outcome.status, Some(2), "{names:?}: {text}");
    for name in names {
        assert!(text.contains(name), "no {name:?} in {text:?}");
    }
}

#[test]
fn a_wrong_value_of_a_flag_is_refused_by_name() {
    for (option, value) in wrong_values() {
        let quoted = format!("'{value}'");
        let outcome = outcome_of(command(&[option, value]));
        assert_wrong(&outcome, &[option, &quoted, "expected"]);
        let outcome = outcome_of(command(&[&format!("{option}={value}")]));
        assert_wrong(&outcome, &[option]);
    }
}

#[test]
fn a_wrong_value_in_the_environment_is_refused_by_name() {
    for (option, value) in wrong_settings() {
        let mut command = command(&[]);
        command.env(variable(option), value);
        let quoted = format!("'{value}'");
        assert_wrong(&outcome_of(command), &[option, &variable(option), &quoted]);
    }
}

#[test]
fn a_wrong_value_in_a_file_is_refused_by_name() {
    let scratch = Scratch::new();
    for (option, value) in wrong_settings() {
        let variable = variable(option);
        let path = scratch.file("powtcp.conf", format!("# wrong:\n{variable}={value}\n"));
        let place = format!("{path}:2");
        let quoted = format!("'{value}'");
        assert_wrong(
            &outcome_of(command(&["--config", &path])),
            &[option, &place, &quoted],
        );
    }
}

#[test]
fn the_powtcp_dialect_accepts_only_multiples_of_four() {
    for bits in ["1", "18", "63"] {
        let quoted = format!("'{bits}'");
        let outcome = outcome_of(command(&["--dialect", "powtcp", "--bits", bits]));
        assert_wrong(&outcome, &["--bits", &quoted, "multiples of 4"]);
    }
}

#[test]
fn unknown_flags_leftover_arguments_and_missing_values_are_refused_by_name() {
    let cases: [(&[&str], &str); 12] = [
        (&["--nope"], "--nope"),
        (&["--max-puzzle", "7"], "--max-puzzle"),
        (&["-x"], "-x"),
        (&["127.0.0.1:0"], "127.0.0.1:0"),
        (&["--ttl"], "--ttl"),
        (&["--bits", "8", "--bits", "9"], "--bits"),
        (&["-b8", "-b9"], "-b"),
        (&["-b8", "--bits=9"], "--bits"),
        (&["-b"], "--bits"),
        (&["-bx"], "'x'"),
        (&["--", "--check"], "'--check'"),
        (&["--check", "--check"], "--check"),
    ];
    for (arguments, name) in cases {
        assert_wrong(&outcome_of(command(arguments)), &[name]);
    }
}

#[test]
fn a_name_that_cannot_be_resolved_is_a_failure_with_the_name() {
    // RFC 6761 reserves this domain: no name in it exists.
    let name = "nowhere.invalid";
    for option in ["--listen", "--metrics"] {
        let mut command = command(&[option, &format!("{name}:0")]);
        if option == "--metrics" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let outcome = outcome_of(command);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(outcome.stderr_text().contains(name), "{outcome:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let run = |flag: &str| Command::new(PROGRAM).arg(flag).output().unwrap();
    for flag in ["-h", "--help"] {
        let output = run(flag);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        for option in WRONG
            .map(|(option, ..)| option)
            .iter()
            .chain(&["--resources", "--config"])
        {
            assert!(text.contains(option), "no {option} in {text}");
        }
    }
    for flag in ["-V", "--version"] {
        let output = run(flag);
        let expected = format!("powtcp-server {}\n", env!("CARGO_PKG_VERSION"));
        assert!(output.status.success() && output.stderr.is_empty());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[test]
fn a_port_in_use_ends_the_program_with_the_reason() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let outcome = outcome_of(command(&["--listen", &address]));
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.stderr.len(), 1, "{:?}", outcome.stderr);
    let reason = format!("powtcp-server: cannot listen on {address}: ");
    assert!(
        outcome.stderr[0].starts_with(&reason),
        "{:?}",
        outcome.stderr
    );
}
