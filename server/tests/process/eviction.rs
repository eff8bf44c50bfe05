//! Guards eviction at a full server: a flood evicts its own connections, the oldest first, and a client
//! whose right stamp has arrived is served.

use std::net::{IpAddr, Ipv4Addr};

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::server::{ServerProcess, serve};
use crate::support::solving::right_line;
use powtcp_testkit::scratch::Scratch;

const LONE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const FLOOD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

fn server(arguments: &[&str]) -> ServerProcess {
    serve(&[&["--handshake-timeout", "1h", "--ttl", "1h"], arguments].concat())
}

/// Connects a client and gets it a puzzle, so that the server has certainly admitted it.
fn puzzled(server: &ServerProcess, source: IpAddr) -> (Client, String) {
    let mut client = Client::connect_from(source, server.address());
    let puzzle = client.puzzle();
    assert!(puzzle.starts_with("2:"), "{puzzle}");
    (client, puzzle)
}

#[test]
fn a_flood_from_one_source_evicts_its_own_connections() {
    let server = server(&["--max-connections", "10"]);
    let (mut lone, puzzle) = puzzled(&server, LONE);
    let mut silent = Client::connect_from(LONE, server.address());
    let flood: Vec<_> = (0..50).map(|_| puzzled(&server, FLOOD)).collect();
    for (number, (mut client, puzzle)) in flood.into_iter().enumerate() {
        match number {
            0..42 => assert_eq!(client.rest(), [refusal(Refusal::ServerBusy)], "{number}"),
            _ => assert_served(&client.pay(&puzzle)),
        }
    }
    assert_served(&lone.pay(&puzzle));
    let puzzle = silent.puzzle();
    assert_served(&silent.pay(&puzzle));
}

#[test]
fn connections_are_evicted_by_age_with_a_head_start_for_puzzle_holders() {
    let server = server(&["--max-connections", "4"]);
    let (first, _) = puzzled(&server, FLOOD);
    let (second, _) = puzzled(&server, FLOOD);
    let third = Client::connect_from(FLOOD, server.address());
    let fourth = Client::connect_from(FLOOD, server.address());
    let mut newcomers = Vec::new();
    // The head start is 3 admissions: the first is as old as the fourth.
    for mut victim in [third, first, fourth, second] {
        newcomers.push(puzzled(&server, FLOOD));
        assert_eq!(victim.rest(), [refusal(Refusal::ServerBusy)]);
    }
    for (mut newcomer, puzzle) in newcomers {
        assert_served(&newcomer.pay(&puzzle));
    }
}

#[test]
fn another_puzzle_makes_no_client_younger() {
    let server = server(&["--max-connections", "2"]);
    let (mut first, _) = puzzled(&server, FLOOD);
    let (mut second, puzzle) = puzzled(&server, FLOOD);
    first.puzzle();
    let _newcomer = puzzled(&server, FLOOD);
    assert_eq!(first.rest(), [refusal(Refusal::ServerBusy)]);
    assert_served(&second.pay(&puzzle));
}

#[test]
fn a_right_stamp_that_has_arrived_is_served_before_newcomers_are_admitted() {
    let server = server(&["--max-connections", "5"]);
    let mut clients: Vec<_> = (0..5).map(|_| puzzled(&server, FLOOD)).collect();
    // While the server is stopped, the kernel keeps what arrives for it.
    server.signal("STOP");
    let _newcomers = [(); 20].map(|()| Client::connect_from(FLOOD, server.address()));
    for (client, puzzle) in &mut clients {
        client.send(right_line(puzzle));
    }
    server.signal("CONT");
    for (client, _) in &mut clients {
        assert_served(&client.rest());
    }
}

#[test]
fn a_resource_in_delivery_is_not_cut_off() {
    let scratch = Scratch::new();
    let resource = "x".repeat(65_533);
    let path = scratch.file("resources.txt", &resource);
    let server = server(&["--max-connections", "1", "--resources", &path]);
    let mut client = Client::with_window(server.address(), 8_192);
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    client.wait_for_bytes();
    // The kernel has taken the whole resource, so its connection is evicted for the newcomer.
    assert!(Client::connect(server.address()).puzzle().starts_with("2:"));
    assert_eq!(client.rest(), [format!("4:{resource}")]);
}

#[test]
fn a_refused_client_that_stays_occupies_no_slot() {
    for policy in ["evict", "refuse"] {
        let server = server(&["--max-connections", "2", "--when-full", policy]);
        let refused = [LONE, FLOOD].map(|source| {
            let mut client = Client::connect_from(source, server.address());
            client.send("9:\n");
            assert_eq!(client.line(), refusal(Refusal::IncorrectMessage));
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
fn one_source_holds_no_more_connections_than_allowed() {
    for policy in ["evict", "refuse"] {
        let limit = ["--max-connections-per-ip", "2", "--when-full", policy];
        let server = server(&limit);
        let (mut first, puzzle) = puzzled(&server, FLOOD);
        let (mut second, other_puzzle) = puzzled(&server, FLOOD);
        for _ in 0..10 {
            assert_eq!(
                Client::connect_from(FLOOD, server.address()).rest(),
                [refusal(Refusal::ServerBusy)]
            );
        }
        Client::connect_from(LONE, server.address()).handshake();
        assert_served(&first.pay(&puzzle));
        let (mut third, puzzle) = puzzled(&server, FLOOD);
        assert_served(&second.pay(&other_puzzle));
        assert_served(&third.pay(&puzzle));
    }
}
