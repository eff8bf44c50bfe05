//! Signals that end the client.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::PATIENCE;
use powtcp_testkit::process::command;
use powtcp_testkit::scratch::Scratch;

use crate::client::client;
use crate::script::{ENDLESS, endless_puzzle_line, refusal_line};
use crate::support::fake_server::FakeServer;
use crate::support::program::start;

/// Starts a server that lets a client solve for ever.
fn endless_server() -> FakeServer<String> {
    FakeServer::start(|mut client| {
        client.answer_request(endless_puzzle_line());
        client.rest_while_open()
    })
}

/// Waits until `look` returns something.
#[track_caller]
fn wait_until<T>(look: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        thread::yield_now();
    }
}

fn send(signal: &str, pid: &str) {
    let status = Command::new("kill").args(["-s", signal, pid]).status();
    assert!(status.expect("the program kill").success());
}

#[test]
fn a_signal_ends_a_client_as_its_default_does() {
    for signal in ["INT", "TERM"] {
        let server = endless_server();
        let arguments = [&ENDLESS[..], &["--verbose", server.address()]].concat();
        let mut running = start(client(&arguments));
        running.wait_for("puzzle received");
        running.signal(signal);
        let outcome = running.finish();
        assert_eq!(outcome.status, None, "{outcome:?}");
        assert_eq!(server.finish(), "");
    }
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let (refuse, go) = mpsc::channel();
    let server = FakeServer::start(move |mut client| {
        client.answer_request(endless_puzzle_line());
        go.recv_timeout(PATIENCE).expect("a test that continues");
        client.end_with(refusal_line(Refusal::ServerBusy))
    });
    let script = "trap '' INT; exec \"$0\" \"$@\"";
    let shell = ["-c", script, env!("CARGO_BIN_EXE_powtcp-client")];
    let arguments = ["--verbose", "--retry", "0", server.address()];
    let arguments = [&shell[..], &ENDLESS, &arguments].concat();
    let mut running = start(command("sh", &arguments));
    running.wait_for("puzzle received");
    running.signal("INT");
    refuse.send(()).expect("a server that waits for this");
    let outcome = running.finish();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(server.finish(), "");
}

#[test]
fn a_signal_erases_the_line_of_progress() {
    let server = endless_server();
    let scratch = Scratch::new();
    let shown = scratch.file("shown", "");
    let pid = scratch.file("pid", "");
    let run = format!(
        "echo $$ > {pid}; exec \"$CLIENT\" {} {}",
        ENDLESS.join(" "),
        server.address()
    );
    let mut script = command("script", &["-qfc", &run, &shown]);
    script
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .env("NO_COLOR", "")
        .env("CLIENT", env!("CARGO_BIN_EXE_powtcp-client"));
    let running = start(script);
    let has_progress = || {
        let text = fs::read_to_string(&shown).ok()?;
        text.contains("40 bits 0% ").then_some(())
    };
    wait_until(has_progress);
    let pid = fs::read_to_string(&pid).expect("a file");
    send("INT", pid.trim());
    let text = running.finish().text();
    assert!(text.ends_with("\r\x1b[K"), "{text:?}");
    assert_eq!(server.finish(), "");
}

/// Returns the process identifier of the only child of a process.
fn child_of(pid: u32) -> Option<String> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next().map(String::from)
}

/// The kernel does not apply the default of a signal to the first process of a namespace
/// (pid_namespaces(7)). The test is skipped where a user may not create a namespace.
#[test]
fn the_first_process_of_a_container_ends_on_a_signal() {
    let namespace = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    match command("unshare", &[&namespace[..], &["true"]].concat()).status() {
        Ok(status) if status.success() => {}
        Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
        _ => return,
    }
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let server = endless_server();
        let program = [env!("CARGO_BIN_EXE_powtcp-client"), "--verbose"];
        let arguments = [&namespace[..], &program, &ENDLESS, &[server.address()]];
        let mut running = start(command("unshare", &arguments.concat()));
        running.wait_for("puzzle received");
        let child = wait_until(|| child_of(running.pid()));
        send(signal, &child);
        let outcome = running.finish();
        assert_eq!(outcome.status, Some(status), "{outcome:?}");
        assert_eq!(server.finish(), "");
    }
}
