//! Guards the descriptors: the server raises its limit, cuts its table to what is allowed, so that eviction
//! comes before exhaustion, and bears exhaustion that others cause without a busy loop.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Instant;

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::descriptors::{descriptor_limits, limit_descriptors, table_size};
use crate::support::messages::{
    ACCEPTED, ACCEPTING_PAUSED, ACCEPTING_RESUMED, CLOSED, TOO_FEW_DESCRIPTORS,
};
use crate::support::page::Page;
use crate::support::server::{ServerProcess, field, serve, serve_with_ulimit};

/// The limit on descriptors when others have used up those of the system.
const FEW: u64 = 64;

/// Starts a server, and then takes most of its descriptors away.
fn serve_with_few(arguments: &[&str]) -> ServerProcess {
    let server = serve(arguments);
    limit_descriptors(server.pid(), FEW);
    server
}

fn connect_many(server: &ServerProcess, count: usize) -> Vec<Client> {
    (0..count)
        .map(|_| Client::connect(server.address()))
        .collect()
}

fn number(line: &str, key: &str) -> u64 {
    field(line, key).parse().expect("a number")
}

#[test]
fn the_soft_limit_is_raised_as_far_as_the_table_needs() {
    let server = serve_with_ulimit("-Sn 64", &["--max-connections", "1000"]);
    let (soft, hard) = descriptor_limits(server.pid());
    assert!(soft >= hard.min(1_000 + 8_192 + 8 + 24), "{soft} of {hard}");
    assert!(soft < 1_000 + 8_192 + 100, "{soft} is more than needed");
    let warned = server
        .log()
        .iter()
        .any(|line| line.contains(TOO_FEW_DESCRIPTORS));
    assert_eq!(warned, soft < 1_000 + 8_192 + 8 + 24);
}

/// Growing the table of a process with two threads takes the kernel tens of milliseconds.
#[test]
fn the_kernels_table_has_its_size_when_the_server_listens() {
    let server = serve(&["--max-connections", "3000"]);
    let (soft, _) = descriptor_limits(server.pid());
    let size = table_size(server.pid());
    assert!(size >= soft.min(3_000 + 8_192), "{size} of {soft}");
    let clients = connect_many(&server, 600);
    assert_eq!(table_size(server.pid()), size);
    drop(clients);
}

#[test]
fn a_hard_limit_cuts_the_table_with_a_warning() {
    let mut server = serve_with_ulimit("-n 200", &["--metrics", "127.0.0.1:0"]);
    let page = Page::of(&mut server);
    let warnings: Vec<_> = server
        .log()
        .iter()
        .filter(|line| line.contains(TOO_FEW_DESCRIPTORS))
        .collect();
    let [warning] = warnings[..] else {
        panic!("{warnings:?}")
    };
    assert!(warning.contains(" level=WARN "), "{warning}");
    assert!(number(warning, "wanted") > 18_192, "{warning}");
    assert_eq!(number(warning, "allowed"), 200);
    let (connections, waiting) = (number(warning, "connections"), number(warning, "waiting"));
    assert!((100..200).contains(&(connections + waiting)), "{warning}");
    assert!(waiting <= 200 / 8, "{warning}");
    assert_eq!(page.values()["powtcp_max_connections"], connections as f64);
}

#[test]
fn one_source_cannot_use_up_the_descriptors() {
    let mut server = serve_with_ulimit("-n 64", &["--metrics", "127.0.0.1:0"]);
    let page = Page::of(&mut server);
    let _crowd = connect_many(&server, 1_100);
    for host in 2..12 {
        let source = Ipv4Addr::new(127, 0, 0, host).into();
        Client::connect_from(source, server.address()).handshake();
    }
    assert_eq!(page.values()["powtcp_accept_pauses_total"], 0.0);
    let log = server.stop().unwrap().stderr_text();
    assert!(!log.contains(ACCEPTING_PAUSED), "{log}");
}

#[test]
fn two_hundred_clients_are_served_with_few_descriptors() {
    let mut server = serve_with_few(&[]);
    for _ in 0..2 {
        let mut clients = connect_many(&server, 200);
        clients.iter_mut().for_each(|client| client.send("1:\n"));
        server.wait_for(ACCEPTING_PAUSED);
        for mut client in clients {
            let puzzle = client.line();
            assert_served(&client.pay(&puzzle));
        }
        server.wait_for(ACCEPTING_RESUMED);
    }
    let lines = server.stop().unwrap().stderr;
    for message in [ACCEPTING_PAUSED, ACCEPTING_RESUMED] {
        let count = lines.iter().filter(|line| line.contains(message)).count();
        assert_eq!(count, 2, "one line for each of two pauses: {lines:#?}");
    }
}

#[test]
fn accepting_resumes_when_others_free_descriptors() {
    let mut server = serve_with_few(&["--ttl", "1h"]);
    let (_, hard) = descriptor_limits(server.pid());
    let mut clients = connect_many(&server, 100);
    clients.iter_mut().for_each(|client| client.send("1:\n"));
    server.wait_for(ACCEPTING_PAUSED);
    limit_descriptors(server.pid(), hard.min(1_000));
    server.wait_for(ACCEPTING_RESUMED);
    for mut client in clients {
        let puzzle = client.line();
        assert_served(&client.pay(&puzzle));
    }
}

#[test]
fn a_server_without_descriptors_waits_without_a_busy_loop() {
    let mut server = serve_with_few(&["--handshake-timeout", "1s"]);
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
    let mut server = serve_with_few(&["--log-level", "debug", "--ttl", "1h"]);
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
