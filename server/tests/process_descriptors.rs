//! Guards that running out of descriptors is an ordinary state: accepting pauses, says so once, costs
//! nothing while it lasts, and goes on when a descriptor is freed.

mod support;

use std::collections::VecDeque;
use std::time::Instant;

use support::client::{Client, assert_served};
use support::server_process::ServerProcess;

const DESCRIPTORS: u32 = 64;
const PAUSED: &str = "accepting paused";

fn connect_many(server: &ServerProcess, count: usize) -> Vec<Client> {
    (0..count)
        .map(|_| Client::connect(server.address()))
        .collect()
}

#[test]
fn two_hundred_clients_are_served_with_64_descriptors() {
    let mut server = ServerProcess::start_with_descriptors(DESCRIPTORS, &[]);
    for _ in 0..2 {
        let mut clients = connect_many(&server, 200);
        clients.iter_mut().for_each(|client| client.send("1:\n"));
        server.wait_for(PAUSED);
        for mut client in clients {
            let puzzle = client.line();
            assert_served(&client.pay(&puzzle));
        }
    }
    let lines = server.stop().log;
    let paused = lines.iter().filter(|line| line.contains(PAUSED)).count();
    assert_eq!(paused, 2, "one line for each of two episodes: {lines:#?}");
}

#[test]
fn a_server_without_descriptors_waits_without_a_busy_loop() {
    let arguments = ["--handshake-timeout", "2s"];
    let mut server = ServerProcess::start_with_descriptors(DESCRIPTORS, &arguments);
    let start = Instant::now();
    let mut clients = connect_many(&server, 100);
    let mut last = clients.pop().expect("100 clients");
    last.send("1:\n");
    server.wait_for(PAUSED);
    let before = server.cpu_time();
    assert_eq!(clients[0].line(), "0:timeout exceeded");
    let spent = server.cpu_time() - before;
    assert!(
        spent < start.elapsed() / 10,
        "{spent:?} of CPU to do nothing"
    );
    // Those that waited outside get in when those inside leave.
    drop(clients);
    let puzzle = last.line();
    assert_served(&last.pay(&puzzle));
}

#[test]
fn a_descriptor_that_is_freed_is_used_in_the_same_turn_of_the_loop() {
    let arguments = ["--log-level", "debug", "--ttl", "1h"];
    let mut server = ServerProcess::start_with_descriptors(DESCRIPTORS, &arguments);
    let mut clients = VecDeque::from(connect_many(&server, 100));
    server.wait_for(PAUSED);
    for _ in 0..30 {
        clients.pop_front().expect("a client").handshake();
        let closed = server.wait_for("connection closed");
        let accepted = server.wait_for("connection accepted");
        // The clock is read once a turn.
        assert_eq!(time(&closed), time(&accepted));
    }
}

#[test]
fn an_idle_server_with_idle_clients_sleeps() {
    let server = ServerProcess::start(&["--handshake-timeout", "2s"]);
    let start = Instant::now();
    let mut clients = connect_many(&server, 300);
    let before = server.cpu_time();
    assert_eq!(clients[0].line(), "0:timeout exceeded");
    let spent = server.cpu_time() - before;
    assert!(
        spent < start.elapsed() / 10,
        "{spent:?} of CPU to do nothing"
    );
}

/// The time of a log line.
fn time(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}
