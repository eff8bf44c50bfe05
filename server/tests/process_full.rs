//! Guards the limit of connections: a newcomer at a full server is told so, and a slot that is freed
//! serves again.

mod support;

use std::collections::VecDeque;

use support::client::{Client, assert_served};
use support::server_process::{ServerProcess, field};

const BUSY: &str = "0:server is busy";

/// A server with two slots, and those who hold them.
fn full_server() -> (ServerProcess, [(Client, String); 2]) {
    let server = ServerProcess::start(&["--max-connections", "2", "--when-full", "refuse"]);
    let holders = [(); 2].map(|()| {
        let mut client = Client::connect(server.address());
        let puzzle = client.puzzle();
        (client, puzzle)
    });
    (server, holders)
}

#[test]
fn a_newcomer_at_a_full_server_is_told_so() {
    let (mut server, holders) = full_server();
    for _ in 0..10 {
        let mut newcomer = Client::connect(server.address());
        assert_eq!(newcomer.rest(), [BUSY]);
        let line = server.wait_for("server is busy");
        assert_eq!(field(&line, "client"), newcomer.address().to_string());
    }
    for (mut holder, puzzle) in holders {
        assert_served(&holder.pay(&puzzle));
    }
}

#[test]
fn a_slot_that_is_freed_serves_again() {
    let (server, holders) = full_server();
    let mut holders = VecDeque::from(holders);
    for _ in 0..10 {
        assert_eq!(Client::connect(server.address()).rest(), [BUSY]);
        let (mut oldest, puzzle) = holders.pop_front().unwrap();
        assert_served(&oldest.pay(&puzzle));
        let mut successor = Client::connect(server.address());
        let puzzle = successor.puzzle();
        holders.push_back((successor, puzzle));
    }
}

#[test]
fn many_newcomers_at_once_are_all_told() {
    let (server, holders) = full_server();
    let mut newcomers: Vec<Client> = (0..100)
        .map(|_| Client::connect(server.address()))
        .collect();
    for newcomer in &mut newcomers {
        assert_eq!(newcomer.rest(), [BUSY]);
    }
    drop(holders);
    assert_eq!(server.stop().status, Some(0));
}

#[test]
fn newcomers_that_have_sent_their_request_already_are_told() {
    let (server, holders) = full_server();
    // While the server stands still, what is sent waits for it.
    server.signal("STOP");
    let mut newcomers = [(); 20].map(|()| Client::connect(server.address()));
    for newcomer in &mut newcomers {
        newcomer.send("1:\n1:\n");
    }
    server.signal("CONT");
    for newcomer in &mut newcomers {
        assert_eq!(newcomer.rest(), [BUSY]);
    }
    for (mut holder, puzzle) in holders {
        assert_served(&holder.pay(&puzzle));
    }
}
