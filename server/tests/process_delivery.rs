//! Guards the last answer on its way: it reaches a client that is still sending, and a client that
//! does not take it, or does not stop, is dropped within bounds of time and memory.

mod support;

use std::io::{self, Write};
use std::thread;
use std::time::Instant;

use powtcp_server::session::DELIVERY_TIMEOUT;
use support::client::Client;
use support::scratch::Scratch;
use support::server_process::ServerProcess;
use support::solving::right_line;

const MEGABYTE: usize = 1_000_000;

#[test]
fn the_answer_to_a_line_without_end_reaches_its_sender() {
    let server = ServerProcess::start(&[]);
    let mut client = Client::connect(server.address());
    client.send("x".repeat(MEGABYTE));
    client.finish_sending();
    assert_eq!(client.rest(), ["0:message too long"]);
}

#[test]
fn the_answer_reaches_a_client_that_goes_on_sending() {
    let server = ServerProcess::start(&[]);
    let mut client = Client::connect(server.address());
    client.send("9:\n");
    assert_eq!(client.line(), "0:incorrect message format");
    for _ in 0..200 {
        client.send("1:\n3:and so on\n");
    }
    client.finish_sending();
    assert!(client.rest().is_empty());
}

#[test]
fn a_long_resource_reaches_a_client_that_goes_on_sending() {
    let scratch = Scratch::new();
    let resource = "x".repeat(65_533);
    let path = scratch.file("resources.txt", &resource);
    let server = ServerProcess::start(&["--resources", &path]);
    let mut client = Client::with_window(server.address(), 8_192);
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    // Once a part of it is there, the server has said all, and these lines come late.
    client.wait_for_bytes();
    for _ in 0..200 {
        client.send("1:\n");
    }
    client.finish_sending();
    assert_eq!(client.rest(), [format!("4:{resource}")]);
}

#[test]
fn every_answer_reaches_a_client_that_reads_slower_than_it_asks() {
    /// So many that their answers fit into no socket.
    const PUZZLES: usize = 100_000;
    let server = ServerProcess::start(&["--max-puzzles", "100000", "--ttl", "1h"]);
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
fn a_sender_without_end_is_cut_off() {
    let server = ServerProcess::start(&[]);
    let mut client = Client::connect(server.address());
    let error = flood(&mut client, &"x".repeat(MEGABYTE));
    assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
    Client::connect(server.address()).handshake();
}

#[test]
fn a_refused_client_that_never_closes_is_dropped_in_time_and_not_before() {
    let mut server = ServerProcess::start(&["--log-level", "debug"]);
    let mut client = Client::connect(server.address());
    let start = Instant::now();
    client.send("9:\n");
    assert_eq!(client.rest(), ["0:incorrect message format"]);
    server.wait_for("connection closed");
    assert!(start.elapsed() >= DELIVERY_TIMEOUT);
}

#[test]
fn clients_that_never_read_are_dropped_and_cost_bounded_memory() {
    /// Those that never read.
    const CLIENTS: usize = 16;
    /// Kilobytes for each: the answers to one read of 16 KiB in which each three bytes ask for a
    /// puzzle of at most 80.
    const BOUND: u64 = 16 * 80 / 3 + 100;

    let server = ServerProcess::start(&["--max-puzzles", "1000000", "--ttl", "1s"]);
    Client::connect(server.address()).puzzle();
    let before = server.peak_memory();
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
    let grown = server.peak_memory() - before;
    eprintln!("{grown}");
    assert!(
        grown < CLIENTS as u64 * BOUND,
        "{grown} kB for {CLIENTS} clients"
    );
    let puzzle = Client::connect(server.address()).puzzle();
    assert!(puzzle.starts_with("2:"), "{puzzle}");
}

#[test]
fn a_client_that_never_reads_costs_no_busy_loop() {
    let server = ServerProcess::start(&["--max-puzzles", "1000000", "--ttl", "1s"]);
    let start = Instant::now();
    let mut client = Client::with_window(server.address(), 0);
    flood(&mut client, &"1:\n".repeat(10_000));
    let spent = server.cpu_time();
    assert!(spent < start.elapsed() / 3, "{spent:?} of CPU to wait");
}

/// Sends `text` again and again, until the server has closed.
fn flood(client: &mut Client, text: &str) -> io::Error {
    loop {
        if let Err(error) = client.try_send(text) {
            return error;
        }
    }
}
