//! Local connections, each paid for and relayed through a gate.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use powtcp_common::refusal::Refusal;

use crate::client::client;
use crate::echo::{gate_to_an_echo, noise};
use crate::forwarder::{connect, exchange, forwarder, reads_reset, reset};
use crate::script::{refusal_line, refused};
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::program::start;

const CONNECTED: &str = "4:connected\n";

/// Answers a line and then the rest, after the end of the client's stream.
fn answer(mut client: Peer) {
    client.take_stamp();
    client.send(CONNECTED);
    let line = client.line();
    client.send(&line);
    let rest = client.rest_while_open();
    client.send(rest);
}

#[test]
fn two_connections_are_relayed_at_the_same_time() {
    let server = FakeServer::start_for_many(answer);
    let (mut running, address) = forwarder(server.address());
    let mut streams = [connect(&address), connect(&address)];
    for (stream, line) in streams.iter_mut().zip(["one\n", "two\n"]) {
        stream.write_all(line.as_bytes()).expect("a connection");
        let mut echoed = [0; 4];
        stream.read_exact(&mut echoed).expect("an answer");
        assert_eq!(echoed, line.as_bytes());
    }
    for stream in streams {
        assert_eq!(exchange(stream, b"the rest"), b"the rest");
    }
    assert_eq!(running.end(), None);
}

#[test]
fn a_refused_payment_resets_that_connection_only() {
    let connections = AtomicUsize::new(0);
    let server = FakeServer::start_for_many(move |mut client| {
        if connections.fetch_add(1, SeqCst) == 1 {
            client.answer_request(refusal_line(Refusal::ServerBusy));
            client.rest();
        } else {
            answer(client);
        }
    });
    let (mut running, address) = forwarder(server.address());
    let mut first = connect(&address);
    first.write_all(b"one\n").expect("a connection");
    first.read_exact(&mut [0; 4]).expect("an answer");
    let second = connect(&address);
    assert!(reads_reset(&second));
    let own = second.local_addr().expect("a socket").to_string();
    let line = running.wait_for(&own);
    assert_eq!(
        line,
        format!("powtcp-client: {own}: {}", refused(Refusal::ServerBusy))
    );
    assert_eq!(exchange(first, b"rest"), b"rest");
    assert_eq!(exchange(connect(&address), b"\nthree"), b"\nthree");
}

#[test]
fn a_server_that_is_no_gate_resets_the_connection() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.end_with("4:Don't Panic.\n")
    });
    let (mut running, address) = forwarder(server.address());
    let mut stream = connect(&address);
    stream.write_all(b"early").expect("a connection");
    assert!(reads_reset(&stream));
    running.wait_for("the server is no gate");
    assert_eq!(server.finish(), "");
}

#[test]
fn a_reset_of_the_server_becomes_a_reset_of_the_local_connection() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.send(CONNECTED);
        assert_eq!(client.line(), "go\n");
        client.reset();
    });
    let (mut running, address) = forwarder(server.address());
    let mut stream = connect(&address);
    stream.write_all(b"go\n").expect("a connection");
    assert!(reads_reset(&stream));
    running.wait_for("the connection broke: ");
    server.finish();
}

#[test]
fn a_reset_of_the_local_connection_becomes_a_reset_at_the_server() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.send(format!("{CONNECTED}x"));
        reads_reset(client.stream())
    });
    let (mut running, address) = forwarder(server.address());
    let mut stream = connect(&address);
    stream.read_exact(&mut [0]).expect("a byte");
    reset(stream);
    assert!(server.finish());
    running.wait_for("the local connection broke: ");
    assert_eq!(running.end(), None);
}

#[test]
fn the_end_of_the_server_is_passed_on_while_the_other_direction_continues() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.end_with(format!("{CONNECTED}all"))
    });
    let (_running, address) = forwarder(server.address());
    let mut stream = connect(&address);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an end");
    assert_eq!(answer, "all");
    stream.write_all(b"after the end").expect("a connection");
    drop(stream);
    assert_eq!(server.finish(), "after the end");
}

#[test]
fn a_signal_ends_the_client_with_status_0_and_resets_its_relays() {
    for signal in ["INT", "TERM"] {
        let server = FakeServer::start_for_many(answer);
        let (running, address) = forwarder(server.address());
        let mut stream = connect(&address);
        stream.write_all(b"one\n").expect("a connection");
        stream.read_exact(&mut [0; 4]).expect("an answer");
        running.signal(signal);
        assert_eq!(running.finish().status, Some(0));
        assert!(reads_reset(&stream));
    }
}

#[test]
fn a_real_gate_returns_four_megabytes() {
    let (_running, address) = forwarder(&gate_to_an_echo());
    let sent = noise(4_000_000);
    let stream = connect(&address);
    let received = thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(&sent).expect("an open connection");
            stream.shutdown(Shutdown::Write).expect("a connection");
        });
        let mut received = Vec::new();
        (&stream).read_to_end(&mut received).expect("an answer");
        received
    });
    assert!(received == sent, "{} bytes", received.len());
}

#[test]
fn an_address_that_is_taken_is_a_failure() {
    let server = FakeServer::<()>::listen(|_, _| {});
    let outcome = start(client(&["--listen", server.address()])).finish();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let line = outcome.stderr.concat();
    assert!(
        line.starts_with("powtcp-client: cannot listen on "),
        "{line}"
    );
}
