//! Guards the end of a server: a signal stops accepting, those who hold a puzzle may finish for a
//! while, and a second signal ends at once.

mod support;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::client::{Client, assert_served};
use support::server_process::{ServerProcess, field};

const SHUTTING_DOWN: &str = "0:server is shutting down";

/// A server that would wait for ever, measured by a test's patience, for those who hold a puzzle.
fn patient_server() -> ServerProcess {
    ServerProcess::start(&["--shutdown-timeout", "1h", "--ttl", "1h"])
}

#[test]
fn a_signal_ends_a_server_without_connections() {
    for signal in ["TERM", "INT"] {
        let mut server = patient_server();
        server.signal(signal);
        let line = server.wait_for("shutting down");
        assert_eq!(field(&line, "signal"), format!("SIG{signal}"));
        let outcome = server.wait();
        assert_eq!(outcome.status, Some(0));
        assert!(outcome.text().contains("msg=stopped"));
    }
}

#[test]
fn a_signal_ends_connections_without_a_puzzle() {
    let server = patient_server();
    let mut silent = Client::connect(server.address());
    let mut begun = Client::connect(server.address());
    begun.send("1:");
    let mut refused = Client::connect(server.address());
    refused.send("9:\n");
    assert_eq!(refused.line(), "0:incorrect message format");
    // By then the server has accepted all that came before.
    Client::connect(server.address()).handshake();
    server.signal("TERM");
    assert_eq!(silent.rest(), [SHUTTING_DOWN]);
    assert_eq!(begun.rest(), [SHUTTING_DOWN]);
    assert!(refused.rest().is_empty());
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn clients_that_hold_a_puzzle_may_finish() {
    let mut server = patient_server();
    let mut holders = [(); 3].map(|()| Client::connect(server.address()));
    let puzzles = holders.each_mut().map(Client::puzzle);
    server.signal("TERM");
    let line = server.wait_for("shutting down");
    assert_eq!(field(&line, "connections"), "3");
    for (holder, puzzle) in holders.iter_mut().zip(puzzles) {
        assert_served(&holder.pay(&puzzle));
    }
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn nobody_is_accepted_after_a_signal() {
    let mut server = patient_server();
    let mut holder = Client::connect(server.address());
    let puzzle = holder.puzzle();
    server.signal("TERM");
    server.wait_for("shutting down");
    assert!(TcpStream::connect(server.address()).is_err());
    assert_served(&holder.pay(&puzzle));
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn a_holder_that_breaks_its_connection_is_waited_for_no_more() {
    let mut server = patient_server();
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    server.signal("TERM");
    server.wait_for("shutting down");
    holder.reset();
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn the_shutdown_timeout_ends_the_wait_and_not_too_early() {
    let server = ServerProcess::start(&["--shutdown-timeout", "400ms", "--ttl", "1h"]);
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    let start = Instant::now();
    server.signal("TERM");
    assert_eq!(holder.rest(), [SHUTTING_DOWN]);
    assert!(start.elapsed() >= Duration::from_millis(400));
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn a_shutdown_timeout_of_zero_waits_for_nobody() {
    let server = ServerProcess::start(&["--shutdown-timeout", "0s", "--ttl", "1h"]);
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    server.signal("TERM");
    assert_eq!(holder.rest(), [SHUTTING_DOWN]);
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    for second in ["TERM", "INT"] {
        let mut server = patient_server();
        let mut holder = Client::connect(server.address());
        holder.puzzle();
        server.signal("TERM");
        server.wait_for("shutting down");
        server.signal(second);
        assert_eq!(server.wait().status, Some(0));
    }
}
