//! Guards processes on one port that are restarted one after the other: no honest client fails.

use std::net::SocketAddr;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::honest::Honest;
use crate::support::server::{ServerProcess, command, serve_command};

const PROCESSES: usize = 3;
const CLIENTS: usize = 6;

/// The kernel picks a process by a hash of the addresses: a third of these connections, 133 on average, go to
/// the one that ends. It admits 64 in its last turn.
const CONNECTIONS: usize = 400;

/// Starts one of the processes that listen on `address`.
fn start(address: &str, arguments: &[&str]) -> ServerProcess {
    let shared = ["--listen", address, "--reuse-port", "--bits", "12"];
    serve_command(command(&[&shared, arguments].concat()))
}

/// Ends a process whose backlog has connections, which no other process can take over. Each of their clients
/// must be told, because it retries then.
fn end(process: ServerProcess) {
    process.signal("STOP");
    let connect = |_| {
        let mut client = Client::connect(process.address());
        client.send("1:\n");
        client
    };
    let waiting: Vec<_> = (0..CONNECTIONS).map(connect).collect();
    process.signal("TERM");
    process.signal("CONT");
    let answers: Vec<_> = waiting
        .into_iter()
        .map(|mut client| client.line())
        .collect();
    let told = |answer: &&String| **answer == refusal(Refusal::ShuttingDown);
    assert!(answers.iter().any(|answer| told(&answer)), "{answers:?}");
    let others = answers.iter().filter(|answer| !told(answer));
    others.for_each(|answer| assert!(answer.starts_with("2:"), "{answer:?}"));
    let outcome = process.finish();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

/// Restarts all processes while clients pay. All processes have this `--shutdown-timeout`.
fn restart_in_turn(shutdown_timeout: &str) {
    let scratch = Scratch::new();
    let secret = scratch.file("secret", "0123456789abcdef0123456789abcdef");
    let arguments = ["--secret", &secret, "--shutdown-timeout", shutdown_timeout];
    let first = start("127.0.0.1:0", &arguments);
    let address: SocketAddr = first.address();
    let start = || start(&address.to_string(), &arguments);
    let mut processes = vec![first];
    processes.extend((1..PROCESSES).map(|_| start()));

    let honest = Honest::start(CLIENTS, address);
    for _ in 0..PROCESSES {
        honest.expect_served(5);
        end(processes.remove(0));
        honest.expect_served(5);
        processes.push(start());
    }
    honest.expect_served(5);
    honest.stop();
}

#[test]
fn no_honest_client_fails_while_the_processes_of_a_port_are_restarted_in_turn() {
    restart_in_turn("5s");
}

/// Clients that hold a puzzle are told too, and present its stamp to another process.
#[test]
fn no_honest_client_fails_while_processes_are_restarted_that_wait_for_none() {
    restart_in_turn("0s");
}
