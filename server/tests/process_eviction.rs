//! Guards who gives way at a full server: a flood its own connections, those that have shown least for
//! longest first, and nobody whose right stamp has come.

mod support;

use std::net::{IpAddr, Ipv4Addr};

use support::client::{Client, assert_served};
use support::server_process::ServerProcess;

const BUSY: &str = "0:server is busy";
const LONE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const FLOOD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

fn server(arguments: &[&str]) -> ServerProcess {
    ServerProcess::start(&[&["--handshake-timeout", "1h", "--ttl", "1h"], arguments].concat())
}

/// A client that is certainly in: it has its puzzle.
fn puzzled(server: &ServerProcess, source: IpAddr) -> (Client, String) {
    let mut client = Client::connect_from(source, server.address());
    let puzzle = client.puzzle();
    assert!(puzzle.starts_with("2:"), "{puzzle}");
    (client, puzzle)
}

#[test]
fn a_flood_from_one_source_turns_over_its_own_connections() {
    let server = server(&["--max-connections", "10"]);
    let (mut lone, puzzle) = puzzled(&server, LONE);
    let mut silent = Client::connect_from(LONE, server.address());
    let flood: Vec<_> = (0..50).map(|_| puzzled(&server, FLOOD)).collect();
    for (number, (mut client, puzzle)) in flood.into_iter().enumerate() {
        match number {
            0..42 => assert_eq!(client.rest(), [BUSY], "{number}"),
            _ => assert_served(&client.pay(&puzzle)),
        }
    }
    assert_served(&lone.pay(&puzzle));
    let puzzle = silent.puzzle();
    assert_served(&silent.pay(&puzzle));
}

#[test]
fn those_that_never_asked_go_first_and_the_oldest_of_each() {
    let server = server(&["--max-connections", "4"]);
    let (first, _) = puzzled(&server, FLOOD);
    let (second, _) = puzzled(&server, FLOOD);
    let third = Client::connect_from(FLOOD, server.address());
    let fourth = Client::connect_from(FLOOD, server.address());
    let mut newcomers = Vec::new();
    for mut victim in [third, fourth, first, second] {
        newcomers.push(puzzled(&server, FLOOD));
        assert_eq!(victim.rest(), [BUSY]);
    }
    for (mut newcomer, puzzle) in newcomers {
        assert_served(&newcomer.pay(&puzzle));
    }
}

#[test]
fn a_client_that_asks_again_gets_no_younger() {
    let server = server(&["--max-connections", "2"]);
    let (mut first, _) = puzzled(&server, FLOOD);
    let (mut second, puzzle) = puzzled(&server, FLOOD);
    first.puzzle();
    let _newcomer = puzzled(&server, FLOOD);
    assert_eq!(first.rest(), [BUSY]);
    assert_served(&second.pay(&puzzle));
}

#[test]
fn a_right_stamp_that_has_come_is_served_before_newcomers_are_let_in() {
    let server = server(&["--max-connections", "5"]);
    let mut clients: Vec<_> = (0..5).map(|_| puzzled(&server, FLOOD)).collect();
    // While the server stands still, what is sent waits for it.
    server.signal("STOP");
    let _newcomers = [(); 20].map(|()| Client::connect_from(FLOOD, server.address()));
    for (client, puzzle) in &mut clients {
        client.send(support::solving::right_line(puzzle));
    }
    server.signal("CONT");
    for (client, _) in &mut clients {
        assert_served(&client.rest());
    }
}

#[test]
fn a_resource_on_its_way_is_not_cut_off() {
    let scratch = support::scratch::Scratch::new();
    let resource = "x".repeat(65_533);
    let path = scratch.file("resources.txt", &resource);
    let server = server(&["--max-connections", "1", "--resources", &path]);
    let mut client = Client::with_window(server.address(), 8_192);
    let puzzle = client.puzzle();
    client.send(support::solving::right_line(&puzzle));
    client.wait_for_bytes();
    assert_eq!(Client::connect(server.address()).rest(), [BUSY]);
    assert_eq!(client.rest(), [format!("4:{resource}")]);
}

#[test]
fn a_refused_client_that_stays_holds_no_slot() {
    for policy in ["evict", "refuse"] {
        let server = server(&["--max-connections", "2", "--when-full", policy]);
        let refused = [LONE, FLOOD].map(|source| {
            let mut client = Client::connect_from(source, server.address());
            client.send("9:\n");
            assert_eq!(client.line(), "0:incorrect message format");
            client
        });
        let served = [(); 2].map(|()| puzzled(&server, FLOOD));
        for (mut client, puzzle) in served {
            assert_served(&client.pay(&puzzle));
        }
        drop(refused);
    }
}

#[test]
fn one_source_holds_no_more_than_it_may() {
    for policy in ["evict", "refuse"] {
        let limit = ["--max-connections-per-ip", "2", "--when-full", policy];
        let server = server(&limit);
        let (mut first, puzzle) = puzzled(&server, FLOOD);
        let (mut second, other_puzzle) = puzzled(&server, FLOOD);
        for _ in 0..10 {
            assert_eq!(Client::connect_from(FLOOD, server.address()).rest(), [BUSY]);
        }
        Client::connect_from(LONE, server.address()).handshake();
        assert_served(&first.pay(&puzzle));
        let (mut third, puzzle) = puzzled(&server, FLOOD);
        assert_served(&second.pay(&other_puzzle));
        assert_served(&third.pay(&puzzle));
    }
}
