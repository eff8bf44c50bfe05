//! Guards that a deadline is kept by the server as a process: the answer comes, and never too early.
//! How late it may come is measured elsewhere: a test on a busy machine cannot tell.

mod support;

use std::time::{Duration, Instant};

use support::client::Client;
use support::server_process::ServerProcess;

const EXPIRED: &str = "0:hashcash expiration exceeded";
const TIMEOUT: &str = "0:timeout exceeded";

#[test]
fn a_puzzle_expires_after_its_ttl() {
    for milliseconds in [1, 15, 16, 17, 50, 333] {
        let ttl = format!("{milliseconds}ms");
        let server = ServerProcess::start(&["--ttl", &ttl]);
        for _ in 0..5 {
            let mut client = Client::connect(server.address());
            let start = Instant::now();
            assert!(client.puzzle().starts_with("2:"));
            assert_eq!(client.rest(), [EXPIRED]);
            assert!(start.elapsed() >= Duration::from_millis(milliseconds));
        }
    }
}

#[test]
fn a_client_that_asks_for_nothing_is_told_so_after_the_handshake_timeout() {
    for milliseconds in [1, 16, 50, 333] {
        let timeout = format!("{milliseconds}ms");
        let server = ServerProcess::start(&["--handshake-timeout", &timeout]);
        for sent in ["", "1", "1:"] {
            let start = Instant::now();
            let mut client = Client::connect(server.address());
            client.send(sent);
            assert_eq!(client.rest(), [TIMEOUT]);
            assert!(start.elapsed() >= Duration::from_millis(milliseconds));
        }
    }
}

#[test]
fn a_puzzle_ends_the_handshake_timeout() {
    let server = ServerProcess::start(&["--handshake-timeout", "2s", "--ttl", "3s"]);
    let start = Instant::now();
    let mut client = Client::connect(server.address());
    client.puzzle();
    assert_eq!(client.rest(), [EXPIRED]);
    assert!(start.elapsed() >= Duration::from_secs(3));
}

#[test]
fn each_new_puzzle_has_a_ttl_of_its_own() {
    let server = ServerProcess::start(&["--ttl", "2s"]);
    let mut client = Client::connect(server.address());
    client.puzzle();
    let second = Instant::now();
    client.puzzle();
    assert_eq!(client.rest(), [EXPIRED]);
    assert!(second.elapsed() >= Duration::from_secs(2));
}

#[test]
fn clients_that_come_together_all_get_their_answer() {
    for (option, request, last) in [
        ("--handshake-timeout", "", TIMEOUT),
        ("--ttl", "1:\n", EXPIRED),
    ] {
        let server = ServerProcess::start(&[option, "400ms"]);
        let start = Instant::now();
        let mut clients: Vec<Client> = (0..600)
            .map(|_| Client::connect(server.address()))
            .collect();
        for client in &mut clients {
            client.send(request);
        }
        for client in &mut clients {
            let answers = client.rest();
            assert_eq!(answers.last().map(String::as_str), Some(last));
            assert!(start.elapsed() >= Duration::from_millis(400));
        }
    }
}
