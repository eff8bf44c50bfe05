//! Guards what arrives while the server does not run: bytes that arrived in time count as in time, however
//! late the server reads them.

use std::thread;
use std::time::Duration;

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::messages::{REFUSED, SHUTTING_DOWN};
use crate::support::server::{ServerProcess, field, serve};
use crate::support::solving::right_line;

/// Clients, more than the server handles events or deadlines in one turn.
const CLIENTS: usize = 300;

/// Stops the server, lets `act` happen, and continues it after `pause`, which must outlast a deadline.
fn while_stopped(server: &ServerProcess, pause: Duration, act: impl FnOnce()) {
    server.signal("STOP");
    act();
    thread::sleep(pause);
    server.signal("CONT");
}

/// Connects clients that the server has certainly admitted.
fn connect(server: &ServerProcess) -> Vec<Client> {
    let clients = (0..CLIENTS).map(|_| Client::connect(server.address()));
    let clients = clients.collect();
    // The server accepts in order.
    Client::connect(server.address()).handshake();
    clients
}

#[test]
fn requests_that_arrived_before_the_handshake_timeout_get_a_puzzle() {
    let server = serve(&["--handshake-timeout", "1s"]);
    let mut clients = connect(&server);
    while_stopped(&server, Duration::from_millis(1_200), || {
        for client in &mut clients {
            client.send("1:\n");
        }
    });
    for client in &mut clients {
        assert!(client.line().starts_with("2:"));
    }
}

#[test]
fn stamps_that_arrived_before_the_ttl_are_served() {
    let server = serve(&["--ttl", "2s"]);
    let mut clients = connect(&server);
    let puzzles: Vec<_> = clients.iter_mut().map(Client::puzzle).collect();
    let lines: Vec<_> = puzzles.iter().map(|puzzle| right_line(puzzle)).collect();
    while_stopped(&server, Duration::from_millis(2_200), || {
        for (client, line) in clients.iter_mut().zip(&lines) {
            client.send(line);
        }
    });
    for client in &mut clients {
        assert_served(&client.rest());
    }
}

#[test]
fn stamps_that_arrived_before_the_end_of_a_shutdown_are_served() {
    let mut server = serve(&["--shutdown-timeout", "1s"]);
    let mut clients = connect(&server);
    let puzzles: Vec<_> = clients.iter_mut().map(Client::puzzle).collect();
    let lines: Vec<_> = puzzles.iter().map(|puzzle| right_line(puzzle)).collect();
    server.signal("TERM");
    server.wait_for(SHUTTING_DOWN);
    while_stopped(&server, Duration::from_millis(1_200), || {
        for (client, line) in clients.iter_mut().zip(&lines) {
            client.send(line);
        }
    });
    for client in &mut clients {
        assert_served(&client.rest());
    }
}

#[test]
fn bytes_behind_urgent_data_are_read() {
    let server = serve(&[]);
    let mut client = Client::connect(server.address());
    while_stopped(&server, Duration::ZERO, || {
        client.send("1:\n");
        client.send_urgent(b'!');
        client.send("1:\n");
    });
    assert!(client.line().starts_with("2:"));
    assert!(client.line().starts_with("2:"));
}

#[test]
fn stamps_behind_urgent_data_that_arrived_before_the_ttl_are_served() {
    let server = serve(&["--ttl", "2s"]);
    let mut clients = connect(&server);
    let puzzles: Vec<_> = clients.iter_mut().map(Client::puzzle).collect();
    let lines: Vec<_> = puzzles.iter().map(|puzzle| right_line(puzzle)).collect();
    while_stopped(&server, Duration::from_millis(2_200), || {
        for (client, line) in clients.iter_mut().zip(&lines) {
            client.send("1:\n");
            client.send_urgent(b'!');
            client.send(line);
        }
    });
    for client in &mut clients {
        assert!(client.line().starts_with("2:"));
        assert_served(&client.rest());
    }
}

#[test]
fn the_log_shows_the_start_of_a_line_that_was_not_complete() {
    for (sent, why) in [
        ("1: a slow line".to_string(), Refusal::TimeoutExceeded),
        ("x".repeat(512), Refusal::MessageTooLong),
    ] {
        let mut server = serve(&["--handshake-timeout", "50ms"]);
        let mut client = Client::connect(server.address());
        client.send(&sent);
        assert_eq!(client.rest(), [refusal(why)]);
        let line = server.wait_for(REFUSED);
        assert!(line.contains(why.text()), "{line}");
        let evidence = line.split_once(" line=").expect("a field").1;
        assert!(evidence.contains(&sent[..10]), "{line}");
    }
    let mut server = serve(&["--handshake-timeout", "50ms"]);
    let mut silent = Client::connect(server.address());
    assert_eq!(silent.rest(), [refusal(Refusal::TimeoutExceeded)]);
    assert_eq!(field(&server.wait_for(REFUSED), "line"), "\"\"");
}
