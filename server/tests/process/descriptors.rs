//! Guards that running out of descriptors is an ordinary state: the server pauses accepting, logs that
//! once, uses no CPU time meanwhile, and resumes when a descriptor is free.

use std::collections::VecDeque;
use std::time::Instant;

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::messages::{ACCEPTED, ACCEPTING_PAUSED, CLOSED};
use crate::support::server::{ServerProcess, serve, serve_with_descriptors};

const DESCRIPTORS: u32 = 64;

fn connect_many(server: &ServerProcess, count: usize) -> Vec<Client> {
    (0..count)
        .map(|_| Client::connect(server.address()))
        .collect()
}

#[test]
fn two_hundred_clients_are_served_with_64_descriptors() {
    let mut server = serve_with_descriptors(DESCRIPTORS, &[]);
    for _ in 0..2 {
        let mut clients = connect_many(&server, 200);
        clients.iter_mut().for_each(|client| client.send("1:\n"));
        server.wait_for(ACCEPTING_PAUSED);
        for mut client in clients {
            let puzzle = client.line();
            assert_served(&client.pay(&puzzle));
        }
    }
    let lines = server.stop().unwrap().stderr;
    let paused = lines
        .iter()
        .filter(|line| line.contains(ACCEPTING_PAUSED))
        .count();
    assert_eq!(
        paused, 2,
        "expected one line for each of two pauses: {lines:#?}"
    );
}

#[test]
fn a_server_without_descriptors_waits_without_a_busy_loop() {
    let arguments = ["--handshake-timeout", "1s"];
    let mut server = serve_with_descriptors(DESCRIPTORS, &arguments);
    let start = Instant::now();
    let mut clients = connect_many(&server, 100);
    let mut last = clients.pop().expect("100 clients");
    last.send("1:\n");
    server.wait_for(ACCEPTING_PAUSED);
    let before = server.usage().unwrap().cpu;
    assert_eq!(clients[0].line(), refusal(Refusal::TimeoutExceeded));
    let spent = server.usage().unwrap().cpu - before;
    assert!(
        spent < start.elapsed() / 10,
        "{spent:?} of CPU time to do nothing"
    );
    // The waiting clients are accepted once the others have disconnected.
    drop(clients);
    let puzzle = last.line();
    assert_served(&last.pay(&puzzle));
}

#[test]
fn a_freed_descriptor_is_used_in_the_same_turn_of_the_loop() {
    let arguments = ["--log-level", "debug", "--ttl", "1h"];
    let mut server = serve_with_descriptors(DESCRIPTORS, &arguments);
    let mut clients = VecDeque::from(connect_many(&server, 100));
    server.wait_for(ACCEPTING_PAUSED);
    for _ in 0..30 {
        clients.pop_front().expect("a client").handshake();
        let closed = server.wait_for(CLOSED);
        let accepted = server.wait_for(ACCEPTED);
        // Both lines have the same time because the clock is read once per turn.
        assert_eq!(time(&closed), time(&accepted));
    }
}

#[test]
fn an_idle_server_with_idle_clients_sleeps() {
    let server = serve(&["--handshake-timeout", "1s"]);
    let start = Instant::now();
    let mut clients = connect_many(&server, 300);
    let before = server.usage().unwrap().cpu;
    assert_eq!(clients[0].line(), refusal(Refusal::TimeoutExceeded));
    let spent = server.usage().unwrap().cpu - before;
    assert!(
        spent < start.elapsed() / 10,
        "{spent:?} of CPU time to do nothing"
    );
}

/// Returns the field with the time of a log line.
fn time(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}
