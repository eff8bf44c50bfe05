//! Guards processes on one port that are restarted one after the other: no honest client fails.

use std::net::SocketAddr;

use powtcp_testkit::scratch::Scratch;

use crate::support::honest::Honest;
use crate::support::server::{ServerProcess, command, serve_command};

const PROCESSES: usize = 3;
const CLIENTS: usize = 6;

/// Starts one of the processes that listen on `address` with this secret.
fn start(address: &str, secret: &str) -> ServerProcess {
    let shared = ["--reuse-port", "--secret", secret, "--bits", "12"];
    serve_command(command(&[&["--listen", address], &shared[..]].concat()))
}

#[test]
fn no_honest_client_fails_while_the_processes_of_a_port_are_restarted_in_turn() {
    let scratch = Scratch::new();
    let secret = scratch.file("secret", "0123456789abcdef0123456789abcdef");
    let first = start("127.0.0.1:0", &secret);
    let address: SocketAddr = first.address();
    let start = || start(&address.to_string(), &secret);
    let mut processes = vec![first];
    processes.extend((1..PROCESSES).map(|_| start()));

    let honest = Honest::start(CLIENTS, address);
    for _ in 0..PROCESSES {
        honest.expect_served(5);
        let oldest = processes.remove(0);
        oldest.signal("TERM");
        let outcome = oldest.finish();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        honest.expect_served(5);
        processes.push(start());
    }
    honest.expect_served(5);
    honest.stop();
}
