//! Guards several processes on one port: each serves clients, a stamp of one is right at the other, and the
//! end of one does not end the service.

use powtcp_testkit::scratch::Scratch;

use crate::support::client::{Client, assert_served};
use crate::support::messages::PUZZLE_SENT;
use crate::support::server::{ServerProcess, command, outcome_of, serve, serve_command};
use crate::support::solving::right_line;

/// The kernel picks a process by a hash of the addresses: that so many connections all go to one of two has
/// a chance of 2^-64.
const CONNECTIONS: usize = 64;

/// Starts two servers that share a port and a secret.
fn pair() -> ([ServerProcess; 2], Scratch) {
    let scratch = Scratch::new();
    let secret = scratch.file("secret", "0123456789abcdef0123456789abcdef");
    let shared = ["--reuse-port", "--secret", &secret];
    let first = serve(&shared);
    let address = first.address().to_string();
    let own = ["--listen", &address, "--bits", "8"];
    let second = serve_command(command(&[&shared[..], &own].concat()));
    ([first, second], scratch)
}

#[test]
fn both_processes_serve_and_either_takes_the_stamps_of_both() {
    let ([mut first, mut second], _secret) = pair();
    let lines: Vec<_> = (0..CONNECTIONS)
        .map(|_| right_line(&Client::connect(first.address()).puzzle()))
        .collect();
    first.wait_for(PUZZLE_SENT);
    second.wait_for(PUZZLE_SENT);
    for line in lines {
        let mut client = Client::connect(first.address());
        client.send(line);
        assert_served(&client.rest());
    }
}

#[test]
fn the_other_process_serves_when_one_is_killed() {
    let ([first, mut second], _secret) = pair();
    let address = second.address();
    first.signal("KILL");
    first.finish();
    for _ in 0..CONNECTIONS {
        Client::connect(address).handshake();
    }
    second.wait_for(PUZZLE_SENT);
}

#[test]
fn a_port_is_shared_only_by_processes_that_all_ask_for_it() {
    for (first, second) in [(&[][..], &["--reuse-port"][..]), (&["--reuse-port"], &[])] {
        let server = serve(first);
        let address = server.address().to_string();
        let outcome = outcome_of(command(&[&["--listen", &address], second].concat()));
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(
            outcome.stderr_text().contains("cannot listen"),
            "{outcome:?}"
        );
    }
}
