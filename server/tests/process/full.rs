//! Guards the limit on connections: a newcomer at a full server is refused, and a freed slot serves
//! again.

use std::collections::VecDeque;

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::server::{ServerProcess, field, serve};

/// Starts a server with two slots, and fills them with two clients that hold a puzzle.
fn full_server() -> (ServerProcess, [(Client, String); 2]) {
    let server = serve(&["--max-connections", "2", "--when-full", "refuse"]);
    let holders = [(); 2].map(|()| {
        let mut client = Client::connect(server.address());
        let puzzle = client.puzzle();
        (client, puzzle)
    });
    (server, holders)
}

#[test]
fn a_newcomer_at_a_full_server_is_refused_and_logged() {
    let (mut server, holders) = full_server();
    for _ in 0..10 {
        let mut newcomer = Client::connect(server.address());
        assert_eq!(newcomer.rest(), [refusal(Refusal::ServerBusy)]);
        let line = server.wait_for(Refusal::ServerBusy.text());
        assert_eq!(field(&line, "client"), newcomer.address().to_string());
    }
    for (mut holder, puzzle) in holders {
        assert_served(&holder.pay(&puzzle));
    }
}

#[test]
fn a_freed_slot_serves_again() {
    let (server, holders) = full_server();
    let mut holders = VecDeque::from(holders);
    for _ in 0..10 {
        assert_eq!(
            Client::connect(server.address()).rest(),
            [refusal(Refusal::ServerBusy)]
        );
        let (mut oldest, puzzle) = holders.pop_front().unwrap();
        assert_served(&oldest.pay(&puzzle));
        let mut successor = Client::connect(server.address());
        let puzzle = successor.puzzle();
        holders.push_back((successor, puzzle));
    }
}

#[test]
fn many_newcomers_at_once_are_all_refused() {
    let (server, holders) = full_server();
    let mut newcomers: Vec<Client> = (0..100)
        .map(|_| Client::connect(server.address()))
        .collect();
    for newcomer in &mut newcomers {
        assert_eq!(newcomer.rest(), [refusal(Refusal::ServerBusy)]);
    }
    drop(holders);
    assert_eq!(server.stop().unwrap().status, Some(0));
}

#[test]
fn newcomers_that_have_already_sent_a_request_are_refused() {
    let (server, holders) = full_server();
    // While the server is stopped, the kernel keeps what arrives for it.
    server.signal("STOP");
    let mut newcomers = [(); 20].map(|()| Client::connect(server.address()));
    for newcomer in &mut newcomers {
        newcomer.send("1:\n1:\n");
    }
    server.signal("CONT");
    for newcomer in &mut newcomers {
        assert_eq!(newcomer.rest(), [refusal(Refusal::ServerBusy)]);
    }
    for (mut holder, puzzle) in holders {
        assert_served(&holder.pay(&puzzle));
    }
}
