//! Guards that the server keeps many conversations apart: handshakes interleaved from one thread, in
//! both dialects, whole and in pieces.

mod support;

use support::client::{Client, assert_served};
use support::server_process::ServerProcess;
use support::solving::right_line;

const CLIENTS: usize = 200;
/// More than several turns of the loop admit, and few enough for the descriptors of a test.
const BURST: usize = 400;

/// Handshakes in which each step of each client comes between the same steps of all others.
fn interleave(server: &ServerProcess) {
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|_| Client::connect(server.address()))
        .collect();
    for piece in ["1", ":", "\n"] {
        clients.iter_mut().for_each(|client| client.send(piece));
    }
    // Answers are read in another order than they were asked for.
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
    let server = ServerProcess::start(&[]);
    interleave(&server);
    assert_eq!(server.stop().status, Some(0));
}

#[test]
fn two_hundred_interleaved_handshakes_are_all_served_in_the_powtcp_dialect() {
    let server = ServerProcess::start(&["--dialect", "powtcp"]);
    interleave(&server);
    assert_eq!(server.stop().status, Some(0));
}

#[test]
fn a_burst_that_no_turn_can_admit_is_served_whole() {
    let server = ServerProcess::start(&[]);
    // While the server stands still, they come to it all at once.
    server.signal("STOP");
    let mut burst: Vec<Client> = (0..BURST)
        .map(|_| Client::connect(server.address()))
        .collect();
    server.signal("CONT");
    // Nothing wakes the server for the last of them but the server itself.
    for client in burst.iter_mut().rev() {
        let puzzle = client.puzzle();
        assert_served(&client.pay(&puzzle));
    }
}

#[test]
fn no_stamp_serves_another_connection() {
    let server = ServerProcess::start(&[]);
    let mut owner = Client::connect(server.address());
    let mut thief = Client::connect(server.address());
    let puzzle = owner.puzzle();
    assert_ne!(thief.puzzle(), puzzle);
    assert_eq!(thief.pay(&puzzle), ["0:hashcash header not found"]);
    assert_served(&owner.pay(&puzzle));
}

#[test]
fn a_puzzle_names_the_client_and_the_difficulty() {
    for (dialect, bits, separator) in [("hashcash", "1:8:", '/'), ("powtcp", "1:2:", ':')] {
        let server = ServerProcess::start(&["--dialect", dialect]);
        let mut client = Client::connect(server.address());
        let port = client.address().port();
        let puzzle = client.puzzle();
        assert!(puzzle.starts_with(&format!("2:{bits}")), "{puzzle}");
        let resource = format!(":127.0.0.1{separator}{port}::");
        assert!(puzzle.contains(&resource), "{puzzle}");
    }
}
