//! Guards the delivery of the last answer: it reaches a client that is still sending, and the server
//! drops a client that does not read it or does not stop sending, within bounded time and memory.

use std::io::{self, Write};
use std::thread;
use std::time::Instant;

use powtcp_common::refusal::Refusal;
use powtcp_server::protocol::DELIVERY_TIMEOUT;
use powtcp_testkit::scratch::Scratch;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::messages::CLOSED;
use crate::support::server::serve;
use crate::support::solving::right_line;

const MEGABYTE: usize = 1_000_000;

#[test]
fn the_answer_to_an_endless_line_reaches_its_sender() {
    let server = serve(&[]);
    let mut client = Client::connect(server.address());
    client.send("x".repeat(MEGABYTE));
    client.finish_sending();
    assert_eq!(client.rest(), [refusal(Refusal::MessageTooLong)]);
}

#[test]
fn the_answer_reaches_a_client_that_continues_to_send() {
    let server = serve(&[]);
    let mut client = Client::connect(server.address());
    client.send("9:\n");
    assert_eq!(client.line(), refusal(Refusal::IncorrectMessage));
    for _ in 0..200 {
        client.send("1:\n3:and so on\n");
    }
    client.finish_sending();
    assert!(client.rest().is_empty());
}

#[test]
fn a_long_resource_reaches_a_client_that_continues_to_send() {
    let scratch = Scratch::new();
    let resource = "x".repeat(65_533);
    let path = scratch.file("resources.txt", &resource);
    let server = serve(&["--resources", &path]);
    let mut client = Client::with_window(server.address(), 8_192);
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    // The server has answered once a part of the resource arrives, so these lines come late.
    client.wait_for_bytes();
    for _ in 0..200 {
        client.send("1:\n");
    }
    client.finish_sending();
    assert_eq!(client.rest(), [format!("4:{resource}")]);
}

#[test]
fn every_answer_reaches_a_client_that_reads_slower_than_it_asks() {
    /// Enough that their answers do not fit into the buffers of the sockets.
    const PUZZLES: usize = 100_000;
    let server = serve(&["--max-puzzles", "100000", "--ttl", "1h"]);
    let mut client = Client::with_window(server.address(), 0);
    let mut requests = client.second_handle();
    let sender = thread::spawn(move || requests.write_all("1:\n".repeat(PUZZLES).as_bytes()));
    for number in 0..PUZZLES {
        let answer = client.line();
        let whole = answer.starts_with("2:1:8:") && answer.ends_with(":MA==");
        assert!(whole, "{number}: {answer:?}");
    }
    sender.join().unwrap().unwrap();
}

#[test]
fn an_endless_sender_is_cut_off() {
    let server = serve(&[]);
    let mut client = Client::connect(server.address());
    let error = flood(&mut client, &"x".repeat(MEGABYTE));
    assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
    Client::connect(server.address()).handshake();
}

#[test]
fn a_refused_client_that_never_closes_is_dropped_after_the_delivery_timeout() {
    let mut server = serve(&["--log-level", "debug"]);
    let mut client = Client::connect(server.address());
    let start = Instant::now();
    client.send("9:\n");
    assert_eq!(client.rest(), [refusal(Refusal::IncorrectMessage)]);
    server.wait_for(CLOSED);
    assert!(start.elapsed() >= DELIVERY_TIMEOUT);
}

#[test]
fn clients_that_never_read_are_dropped_and_cost_bounded_memory() {
    /// Clients that never read.
    const CLIENTS: usize = 16;
    /// Bytes for each client: the answers to one read of 4 KiB, in which every three bytes request a
    /// puzzle of at most 80 bytes, and 100 KiB for everything else.
    const BOUND: u64 = (4 * 80 / 3 + 100) << 10;

    // Long enough for the answers to fill the sockets of all clients on a busy machine: one whose answers
    // are all sent when its session ends would be discarded, and closed earlier.
    let server = serve(&["--max-puzzles", "1000000", "--ttl", "3s"]);
    Client::connect(server.address()).puzzle();
    let before = server.usage().unwrap().peak;
    let start = Instant::now();
    let senders: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = Client::with_window(server.address(), 0);
            thread::spawn(move || flood(&mut client, &"1:\n".repeat(10_000)))
        })
        .collect();
    for sender in senders {
        let error = sender.join().unwrap();
        assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
    }
    assert!(start.elapsed() >= DELIVERY_TIMEOUT);
    let grown = server.usage().unwrap().peak - before;
    assert!(
        grown < CLIENTS as u64 * BOUND,
        "{grown} bytes for {CLIENTS} clients"
    );
    let puzzle = Client::connect(server.address()).puzzle();
    assert!(puzzle.starts_with("2:"), "{puzzle}");
}

#[test]
fn a_client_that_never_reads_causes_no_busy_loop() {
    let server = serve(&["--max-puzzles", "1000000", "--ttl", "500ms"]);
    let start = Instant::now();
    let mut client = Client::with_window(server.address(), 0);
    flood(&mut client, &"1:\n".repeat(10_000));
    let spent = server.usage().unwrap().cpu;
    assert!(spent < start.elapsed() / 3, "{spent:?} of CPU time to wait");
}

/// Sends `text` repeatedly until the server closes, and returns the error of the last call.
fn flood(client: &mut Client, text: &str) -> io::Error {
    loop {
        if let Err(error) = client.try_send(text) {
            return error;
        }
    }
}
