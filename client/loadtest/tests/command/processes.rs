//! The load test and the process of its server: what the environment sets, and how either ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use powtcp_testkit::PATIENCE;
use powtcp_testkit::scratch::Scratch;

use crate::loadtest::{loadtest, row, with_server};
use crate::support::program::{Expect, outcome_of, start};

/// A load that takes as long as the test needs.
const LONG: [&str; 6] = [
    "--attack",
    "silent",
    "--attack-time",
    "1h",
    "--honest-rate",
    "1",
];

/// Makes the server of `command` write its process identifier to a file, and returns its path.
fn with_pid_file(command: &mut Command, scratch: &Scratch) -> PathBuf {
    let path = scratch.path().join("pid");
    command.env("PID_FILE", &path);
    path
}

/// Waits until `condition` holds.
#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        thread::yield_now();
    }
}

/// Waits until the server has written its process identifier, and returns it.
fn pid_in(path: &Path) -> String {
    let read = || fs::read_to_string(path).unwrap_or_default();
    wait_until("a process identifier", || read().ends_with('\n'));
    read().trim().to_string()
}

/// Returns whether a process runs; one that has ended and was not waited for does not.
fn is_running(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

#[test]
fn settings_of_the_log_do_not_hide_the_server() {
    for (name, value) in [
        ("POWTCP_LOG_FORMAT", "json"),
        ("POWTCP_LOG_LEVEL", "warn"),
        ("POWTCP_LOG_LEVEL", "error"),
    ] {
        let mut command = with_server(loadtest(&["-n", "5", "--idle", "5", "--honest-rate", "0"]));
        command.env(name, value);
        outcome_of(command).assert_silent_success();
    }
}

#[test]
fn no_server_outlives_the_load_test() {
    for signal in ["TERM", "INT", "KILL"] {
        let scratch = Scratch::new();
        let mut command = with_server(loadtest(&LONG));
        let path = with_pid_file(&mut command, &scratch);
        let program = start(command);
        let server = pid_in(&path);
        wait_until("a server", || is_running(&server));
        program.signal(signal);
        assert_eq!(program.finish().status, None, "{signal}");
        wait_until("the end of the server", || !is_running(&server));
    }
}

#[test]
fn a_server_that_ends_is_a_reason_below_the_table() {
    let scratch = Scratch::new();
    let attack = ["--attack", "silent", "--attack-connections", "100"];
    let options = [&attack[..], &["--attack-time", "4s", "--honest-rate", "20"]].concat();
    let mut command = with_server(loadtest(&options));
    let path = with_pid_file(&mut command, &scratch);
    let program = start(command);
    // The first server has few connections: it is not attacked.
    kill(&path, 100);
    let outcome = program.finish();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let text = outcome.text();
    assert!(text.contains("\nnone "), "{text}");
    assert!(
        text.contains("silent: the server ended: signal: 9"),
        "{text}"
    );
    assert!(
        outcome.stderr[0].contains("the server ended"),
        "{outcome:?}"
    );
}

#[test]
fn a_server_that_ends_during_the_handshakes_leaves_their_figures() {
    let scratch = Scratch::new();
    // The puzzles take so long that the handshakes cannot end before the server.
    let load = ["-n", "5000", "-c", "1", "--bits", "16", "--idle", "0"];
    let mut command = with_server(loadtest(&load));
    let path = with_pid_file(&mut command, &scratch);
    let program = start(command);
    // Three sockets are those of a server without connections.
    kill(&path, 4);
    let outcome = program.finish();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(row(&outcome, "handshakes"), "5000");
    assert!(
        outcome.stderr[0].contains("the server ended"),
        "{outcome:?}"
    );
}

/// Kills the server whose process identifier is in the file `path`, once it has `least` sockets.
#[track_caller]
fn kill(path: &Path, least: usize) {
    wait_until("a server with connections", || {
        sockets(&pid_in(path)) >= least
    });
    let killed = Command::new("kill").args(["-KILL", &pid_in(path)]).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

/// Returns the number of sockets of a process.
fn sockets(pid: &str) -> usize {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return 0;
    };
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let is_socket = |path: &PathBuf| path.to_string_lossy().starts_with("socket:");
    targets.filter(is_socket).count()
}
