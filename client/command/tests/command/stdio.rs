//! Standard input and output, relayed through a gate.

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::process::Stdio;
use std::thread;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::process::{Outcome, Program};

use crate::client::{ExpectClient, client};
use crate::echo::{gate_to_an_echo, noise};
use crate::script::refusal_line;
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::program::{Expect, outcome_of};

const CONNECTED: &str = "4:connected\n";

/// Starts a quiet client that relays, and returns it with the writing end of its standard input.
#[track_caller]
fn relaying_into(stdout: Stdio, server: &str) -> (Program, PipeWriter) {
    let (stdin, input) = io::pipe().expect("a free descriptor");
    let command = client(&["--quiet", "--stdio", "--retry", "1", server]);
    let program = Program::start_with_streams(command, stdin.into(), stdout);
    (program.expect("a program that was built"), input)
}

#[track_caller]
fn relaying(server: &str) -> (Program, PipeWriter) {
    relaying_into(Stdio::piped(), server)
}

/// Starts a relaying client whose standard output can be read while it runs.
#[track_caller]
fn relaying_to_pipe(server: &str) -> (Program, PipeWriter, PipeReader) {
    let (output, stdout) = io::pipe().expect("a free descriptor");
    let (program, input) = relaying_into(stdout.into(), server);
    (program, input, output)
}

/// Reads exactly `expected`.
#[track_caller]
fn expect_bytes(mut from: impl Read, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    from.read_exact(&mut bytes).expect("bytes that arrive");
    assert_eq!(bytes, expected);
}

fn reads_reset(peer: &Peer) -> bool {
    let read = peer.stream().read(&mut [0]);
    read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[track_caller]
fn assert_relayed(outcome: &Outcome, bytes: &[u8]) {
    outcome.assert_silent_success();
    assert!(outcome.stdout == bytes, "{} bytes", outcome.stdout.len());
}

#[test]
fn bytes_flow_both_ways_as_they_arrive() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.send(format!("{CONNECTED}banner"));
        let line = client.line();
        client.send("answer");
        (line, client.rest_while_open())
    });
    let (running, mut input, mut output) = relaying_to_pipe(server.address());
    expect_bytes(&mut output, b"banner");
    input.write_all(b"request\n").expect("an open pipe");
    expect_bytes(&mut output, b"answer");
    drop(input);
    assert_eq!(server.finish(), ("request\n".into(), String::new()));
    assert_relayed(&running.finish(), b"");
}

#[test]
fn the_end_of_standard_input_is_a_half_close() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.send(CONNECTED);
        let request = client.rest_while_open();
        client.send("the whole answer");
        request
    });
    let (running, mut input) = relaying(server.address());
    input.write_all(b"the whole request").expect("an open pipe");
    drop(input);
    assert_eq!(server.finish(), "the whole request");
    assert_relayed(&running.finish(), b"the whole answer");
}

#[test]
fn the_client_ends_with_the_server_although_standard_input_is_open() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.end_with(format!("{CONNECTED}all"))
    });
    let (running, input) = relaying(server.address());
    assert_relayed(&running.finish(), b"all");
    assert_eq!(server.finish(), "");
    drop(input);
}

#[test]
fn a_reset_is_a_failure() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.send(CONNECTED);
        assert_eq!(client.line(), "request\n");
        client.reset();
    });
    let (running, mut input) = relaying(server.address());
    input.write_all(b"request\n").expect("an open pipe");
    running.finish().assert_failed("the connection broke: ");
    server.finish();
}

/// The write may take the error of the reset, and the read must not end as if all was well then.
#[test]
fn a_reset_is_a_failure_while_the_client_sends() {
    for _ in 0..20 {
        let server = FakeServer::start(|mut client| {
            client.take_stamp();
            client.send(CONNECTED);
            client.wait_for_bytes();
            client.reset();
        });
        let (running, mut input) = relaying(server.address());
        let sender = thread::spawn(move || while input.write_all(&[7; 9_000]).is_ok() {});
        let outcome = running.finish();
        outcome.assert_failed("the connection broke: ");
        server.finish();
        sender.join().expect("a thread without a panic");
    }
}

#[test]
fn a_server_that_is_no_gate_gets_nothing_of_standard_input() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.end_with("4:Don't Panic.\n")
    });
    let (running, mut input) = relaying(server.address());
    input.write_all(b"early").expect("an open pipe");
    drop(input);
    running.finish().assert_failed("the server is no gate");
    assert_eq!(server.finish(), "");
}

#[test]
fn a_stamp_is_presented_again_when_the_service_is_available() {
    let unavailable = refusal_line(Refusal::ServiceUnavailable);
    let server = FakeServer::start_in_turn([
        Box::new(move |mut client: Peer| {
            let stamp = client.take_stamp();
            client.end_with(unavailable);
            stamp
        }),
        Box::new(|mut client: Peer| {
            let stamp = client.line();
            client.end_with(format!("{CONNECTED}all"));
            stamp
        }),
    ]);
    let (running, _input) = relaying(server.address());
    assert_relayed(&running.finish(), b"all");
    assert_eq!(server.finish(), server.finish());
}

#[test]
fn a_closed_standard_output_ends_the_relay_and_resets_the_connection() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.send(format!("{CONNECTED}banner"));
        reads_reset(&client)
    });
    let (reader, stdout) = io::pipe().expect("a free descriptor");
    drop(reader);
    let (running, _input) = relaying_into(stdout.into(), server.address());
    let outcome = running.finish();
    outcome.assert_failed("cannot write to standard output: ");
    assert!(server.finish());
}

#[test]
fn a_signal_ends_the_relay_and_resets_the_connection() {
    for signal in ["INT", "TERM"] {
        let server = FakeServer::start(|mut client| {
            client.take_stamp();
            client.send(format!("{CONNECTED}banner"));
            reads_reset(&client)
        });
        let (running, _input, mut output) = relaying_to_pipe(server.address());
        expect_bytes(&mut output, b"banner");
        running.signal(signal);
        assert_eq!(running.finish().status, None);
        assert!(server.finish());
    }
}

#[test]
fn a_real_gate_returns_four_megabytes() {
    let (running, mut input) = relaying(&gate_to_an_echo());
    let sent = noise(4_000_000);
    input.write_all(&sent).expect("an open pipe");
    drop(input);
    assert_relayed(&running.finish(), &sent);
}

#[test]
fn both_modes_at_once_are_wrong_usage() {
    let both = ["--stdio", "--listen", "127.0.0.1:0"];
    outcome_of(client(&both)).assert_wrong_usage(&["--stdio", "--listen"]);
    for wrong in ["", "here", ":0", "localhost", "localhost:65536", "::1:0"] {
        let outcome = outcome_of(client(&["--listen", wrong]));
        outcome.assert_wrong_usage(&["--listen", wrong]);
    }
}
