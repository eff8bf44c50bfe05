//! Guards the shutdown: a signal stops accepting, clients that hold a puzzle may finish until the shutdown
//! timeout, and a second signal ends the server at once.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::messages::{CLOSED, NOT_RELOADED, SHUTTING_DOWN};
use crate::support::page::Page;
use crate::support::server::{ServerProcess, field, serve};

/// Starts a server that waits for clients that hold a puzzle longer than any test does.
fn patient_server() -> ServerProcess {
    serve(&["--shutdown-timeout", "1h", "--ttl", "1h"])
}

#[test]
fn a_signal_ends_a_server_without_connections() {
    for signal in ["TERM", "INT"] {
        let mut server = patient_server();
        server.signal(signal);
        let line = server.wait_for(SHUTTING_DOWN);
        assert_eq!(field(&line, "signal"), format!("SIG{signal}"));
        let outcome = server.finish();
        assert_eq!(outcome.status, Some(0));
        assert!(outcome.stderr_text().contains("msg=stopped"));
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
    assert_eq!(refused.line(), refusal(Refusal::IncorrectMessage));
    // The server accepts in order: after this handshake it has accepted the others too.
    Client::connect(server.address()).handshake();
    server.signal("TERM");
    assert_eq!(silent.rest(), [refusal(Refusal::ShuttingDown)]);
    assert_eq!(begun.rest(), [refusal(Refusal::ShuttingDown)]);
    assert!(refused.rest().is_empty());
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn clients_that_hold_a_puzzle_may_finish() {
    let mut server = patient_server();
    let mut holders = [(); 3].map(|()| Client::connect(server.address()));
    let puzzles = holders.each_mut().map(Client::puzzle);
    server.signal("TERM");
    let line = server.wait_for(SHUTTING_DOWN);
    assert_eq!(field(&line, "connections"), "3");
    for (holder, puzzle) in holders.iter_mut().zip(puzzles) {
        assert_served(&holder.pay(&puzzle));
    }
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn no_connection_is_accepted_after_a_signal() {
    let mut server = patient_server();
    let mut holder = Client::connect(server.address());
    let puzzle = holder.puzzle();
    server.signal("TERM");
    server.wait_for(SHUTTING_DOWN);
    assert!(TcpStream::connect(server.address()).is_err());
    assert_served(&holder.pay(&puzzle));
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn the_server_does_not_wait_for_a_holder_that_resets_its_connection() {
    let mut server = patient_server();
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    server.signal("TERM");
    server.wait_for(SHUTTING_DOWN);
    holder.reset();
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn the_shutdown_timeout_ends_the_wait_and_not_too_early() {
    let server = serve(&["--shutdown-timeout", "400ms", "--ttl", "1h"]);
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    let start = Instant::now();
    server.signal("TERM");
    assert_eq!(holder.rest(), [refusal(Refusal::ShuttingDown)]);
    assert!(start.elapsed() >= Duration::from_millis(400));
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn a_shutdown_timeout_of_zero_does_not_wait() {
    let server = serve(&["--shutdown-timeout", "0s", "--ttl", "1h"]);
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    server.signal("TERM");
    assert_eq!(holder.rest(), [refusal(Refusal::ShuttingDown)]);
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    for second in ["TERM", "INT"] {
        let mut server = patient_server();
        let mut holder = Client::connect(server.address());
        holder.puzzle();
        server.signal("TERM");
        server.wait_for(SHUTTING_DOWN);
        server.signal(second);
        assert_eq!(server.finish().status, Some(0));
    }
}

#[test]
fn sighup_is_logged_and_never_ends_the_server() {
    let mut server = patient_server();
    let mut holder = Client::connect(server.address());
    let puzzle = holder.puzzle();
    server.signal("HUP");
    let line = server.wait_for(NOT_RELOADED);
    assert_eq!(field(&line, "signal"), "SIGHUP");
    Client::connect(server.address()).handshake();
    server.signal("TERM");
    server.wait_for(SHUTTING_DOWN);
    server.signal("HUP");
    server.wait_for(NOT_RELOADED);
    assert_served(&holder.pay(&puzzle));
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn connections_that_wait_at_the_shutdown_are_told_and_counted() {
    const WAITING: usize = 300;
    let arguments = ["--metrics", "127.0.0.1:0", "--log-level", "debug"];
    let timeouts = ["--shutdown-timeout", "1h", "--ttl", "1h"];
    let mut server = serve(&[&arguments[..], &timeouts].concat());
    let page = Page::of(&mut server);
    let mut holder = Client::connect(server.address());
    let puzzle = holder.puzzle();
    Client::connect(server.address()).handshake();
    server.wait_for(CLOSED);
    // While the server is stopped, the kernel keeps what arrives for it.
    server.signal("STOP");
    let mut waiting: Vec<_> = (0..WAITING)
        .map(|_| Client::connect(server.address()))
        .collect();
    for client in &mut waiting {
        client.send("1:\n");
    }
    server.signal("TERM");
    server.signal("CONT");
    for client in &mut waiting {
        assert_eq!(client.rest(), [refusal(Refusal::ShuttingDown)]);
    }
    let values = page.values();
    for (series, count) in [
        ("powtcp_connections_accepted_total", WAITING + 2),
        ("powtcp_connections_total{outcome=\"turned_away\"}", WAITING),
        ("powtcp_refusals_total{reason=\"shutting_down\"}", WAITING),
    ] {
        assert_eq!(values[series], count as f64, "{series} of {values:#?}");
    }
    assert_served(&holder.pay(&puzzle));
    assert_eq!(server.finish().status, Some(0));
}
