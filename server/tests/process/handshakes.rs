//! Guards that many connections do not mix: handshakes interleaved from one thread, in both dialects,
//! whole and in pieces.

use std::net::{IpAddr, Ipv4Addr};

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::server::{ServerProcess, serve};
use crate::support::solving::right_line;

const CLIENTS: usize = 200;
/// More than several turns of the loop accept.
const BURST: usize = 400;

/// Makes handshakes step by step: every client takes one step before any client takes the next.
fn interleave(server: &ServerProcess) {
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|_| Client::connect(server.address()))
        .collect();
    for piece in ["1", ":", "\n"] {
        clients.iter_mut().for_each(|client| client.send(piece));
    }
    // The order of reading is the reverse of the order of asking.
    let mut stamps: Vec<String> = clients
        .iter_mut()
        .rev()
        .map(|client| right_line(&client.line()))
        .collect();
    stamps.reverse();
    let mut rests: Vec<&str> = stamps.iter().map(String::as_str).collect();
    for len in [1, 20, 7, usize::MAX] {
        for (client, rest) in clients.iter_mut().zip(&mut rests) {
            let (piece, later) = rest.split_at(len.min(rest.len()));
            client.send(piece);
            *rest = later;
        }
    }
    for client in clients.iter_mut().rev() {
        assert_served(&client.rest());
    }
}

#[test]
fn two_hundred_interleaved_handshakes_are_all_served() {
    let server = serve(&[]);
    interleave(&server);
    assert_eq!(server.stop().unwrap().status, Some(0));
}

#[test]
fn two_hundred_interleaved_handshakes_are_all_served_in_the_powtcp_dialect() {
    let server = serve(&["--dialect", "powtcp"]);
    interleave(&server);
    assert_eq!(server.stop().unwrap().status, Some(0));
}

#[test]
fn a_burst_larger_than_one_turn_accepts_is_served_completely() {
    let server = serve(&[]);
    // While the server is stopped, the connections collect in its backlog.
    server.signal("STOP");
    let mut burst: Vec<Client> = (0..BURST)
        .map(|_| Client::connect(server.address()))
        .collect();
    server.signal("CONT");
    // No new event reports the rest of the backlog: the server has to remember it.
    for client in burst.iter_mut().rev() {
        let puzzle = client.puzzle();
        assert_served(&client.pay(&puzzle));
    }
}

#[test]
fn a_stamp_is_accepted_once_on_any_connection_of_its_source() {
    let server = serve(&[]);
    let puzzle = Client::connect(server.address()).puzzle();
    let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let mut thief = Client::connect_from(other, server.address());
    assert_eq!(thief.pay(&puzzle), [refusal(Refusal::StampNotFound)]);
    assert_served(&Client::connect(server.address()).pay(&puzzle));
    let mut again = Client::connect(server.address());
    assert_eq!(again.pay(&puzzle), [refusal(Refusal::StampNotFound)]);
}

#[test]
fn a_puzzle_contains_the_client_and_the_difficulty() {
    for (dialect, bits, separator) in [("hashcash", "1:8:", '/'), ("powtcp", "1:2:", ':')] {
        let server = serve(&["--dialect", dialect]);
        let mut client = Client::connect(server.address());
        let port = client.address().port();
        let puzzle = client.puzzle();
        assert!(puzzle.starts_with(&format!("2:{bits}")), "{puzzle}");
        let resource = format!(":127.0.0.1{separator}{port}::");
        assert!(puzzle.contains(&resource), "{puzzle}");
    }
}
