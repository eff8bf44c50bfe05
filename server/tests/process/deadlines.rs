//! Guards the deadlines of a real server: the answer comes, and never too early. How late it comes is no
//! subject here, because a busy machine delays everything.

use std::thread;
use std::time::{Duration, Instant};

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::server::serve;

/// Calls `act` with each item on a thread of its own, so that the clients wait at the same time and each
/// reads its answer as soon as it comes.
fn side_by_side<T: Send>(items: impl IntoIterator<Item = T>, act: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for item in items {
            let act = &act;
            scope.spawn(move || act(item));
        }
    });
}

#[test]
fn a_puzzle_expires_after_its_ttl() {
    for milliseconds in [1, 15, 16, 17, 50, 333] {
        let ttl = format!("{milliseconds}ms");
        let server = serve(&["--ttl", &ttl]);
        let address = server.address();
        side_by_side([(); 5], |()| {
            let mut client = Client::connect(address);
            let start = Instant::now();
            assert!(client.puzzle().starts_with("2:"));
            assert_eq!(client.rest(), [refusal(Refusal::PuzzleExpired)]);
            assert!(start.elapsed() >= Duration::from_millis(milliseconds));
        });
    }
}

#[test]
fn a_client_that_requests_no_puzzle_is_refused_after_the_handshake_timeout() {
    for milliseconds in [1, 16, 50, 333] {
        let timeout = format!("{milliseconds}ms");
        let server = serve(&["--handshake-timeout", &timeout]);
        let address = server.address();
        side_by_side(["", "1", "1:"], |sent| {
            let start = Instant::now();
            let mut client = Client::connect(address);
            client.send(sent);
            assert_eq!(client.rest(), [refusal(Refusal::TimeoutExceeded)]);
            assert!(start.elapsed() >= Duration::from_millis(milliseconds));
        });
    }
}

#[test]
fn a_puzzle_replaces_the_handshake_timeout_by_its_ttl() {
    let server = serve(&["--handshake-timeout", "2s", "--ttl", "2100ms"]);
    let start = Instant::now();
    let mut client = Client::connect(server.address());
    client.puzzle();
    assert_eq!(client.rest(), [refusal(Refusal::PuzzleExpired)]);
    assert!(start.elapsed() >= Duration::from_millis(2_100));
}

#[test]
fn many_deadlines_at_once_are_all_met() {
    for (option, request, why) in [
        ("--handshake-timeout", "", Refusal::TimeoutExceeded),
        ("--ttl", "1:\n", Refusal::PuzzleExpired),
    ] {
        let server = serve(&[option, "400ms"]);
        let start = Instant::now();
        let mut clients: Vec<Client> = (0..600)
            .map(|_| Client::connect(server.address()))
            .collect();
        for client in &mut clients {
            client.send(request);
        }
        for client in &mut clients {
            let answers = client.rest();
            assert_eq!(answers.last(), Some(&refusal(why)));
            assert!(start.elapsed() >= Duration::from_millis(400));
        }
    }
}
