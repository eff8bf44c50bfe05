//! A server that takes its time: each answer as a whole has `--timeout`, whatever trickles in.

mod support;

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use support::fake_server::{Peer, serve_once};
use support::ports::taken_port;
use support::program::{Outcome, client, outcome_of};
use support::puzzles::{ENDLESS, endless_puzzle_line, puzzle_line};

const TIMEOUT: Duration = Duration::from_secs(1);
/// Between two bytes of a drip: twenty of them before the client's patience ends.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs the client with a timeout of [`TIMEOUT`] against the server at `address`.
fn impatient(address: SocketAddr) -> Outcome {
    let address = address.to_string();
    outcome_of(client(&["--quiet", "--timeout", "1s", &address]))
}

/// Plays `script` to a client with a timeout of [`TIMEOUT`], which must not give up before that.
fn tried<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (Outcome, T) {
    let start = Instant::now();
    let (outcome, result) = serve_once(&[&ENDLESS[..], &["--timeout", "1s"]].concat(), script);
    assert!(
        start.elapsed() >= TIMEOUT,
        "it gave up after {:?}",
        start.elapsed()
    );
    (outcome, result)
}

#[test]
fn a_server_that_is_not_there_is_told_of() {
    let (_taken, address) = taken_port();
    impatient(address).assert_failed(&format!("cannot connect to {address}: Connection refused"));
}

#[test]
fn a_host_that_does_not_exist_is_told_of() {
    // No name server is asked for a name with an empty label (RFC 1035, 3.1).
    outcome_of(client(&["--quiet", "no..host:80"])).assert_failed("cannot connect to ");
}

#[test]
fn a_connection_that_is_not_made_in_time_is_given_up() {
    let (socket, address) = taken_port();
    socket.listen(0).expect("a bound socket");
    // Whoever comes when the queue is full is not answered.
    let connect = || TcpStream::connect_timeout(&address, TIMEOUT);
    let queue: Vec<_> = std::iter::repeat_with(connect)
        .map_while(Result::ok)
        .collect();
    impatient(address).assert_failed("cannot connect to ");
    drop(queue);
}

#[test]
fn a_server_that_never_accepts_is_given_up() {
    let (socket, address) = taken_port();
    socket.listen(1).expect("a bound socket");
    impatient(address).assert_failed("the server did not send a puzzle in time");
}

#[test]
fn a_server_that_sends_no_puzzle_is_given_up() {
    let (outcome, request) = tried(|mut client| client.rest_while_open());
    outcome.assert_failed("the server did not send a puzzle in time");
    assert_eq!(request, "1:\n");
}

#[test]
fn a_server_that_sends_no_resource_is_given_up() {
    let (outcome, rest) = tried(|mut client| {
        client.answer_request(puzzle_line(8));
        client.line();
        client.rest_while_open()
    });
    outcome.assert_failed("the server did not send a resource in time");
    assert_eq!(rest, "");
}

#[test]
fn a_drip_of_a_puzzle_does_not_buy_time() {
    let (outcome, ()) = tried(|mut client| {
        client.answer_request("2:1:8:");
        client.drip(b'2', PAUSE);
    });
    outcome.assert_failed("the server did not send a puzzle in time");
}

#[test]
fn a_drip_of_a_resource_does_not_buy_time() {
    let (outcome, ()) = tried(|mut client| {
        client.answer_request(puzzle_line(8));
        client.line();
        client.send("4:");
        client.drip(b'x', PAUSE);
    });
    outcome.assert_failed("the server did not send a resource in time");
}

#[test]
fn a_drip_of_an_error_while_solving_does_not_buy_time() {
    let (outcome, ()) = tried(|mut client| {
        client.answer_request(endless_puzzle_line());
        client.send("0:");
        client.drip(b'x', PAUSE);
    });
    outcome.assert_failed("the server did not wait for a solution in time");
}

#[test]
fn an_answer_in_pieces_is_taken_if_it_ends_in_time() {
    let (outcome, _) = serve_once(&["--timeout", "1h"], |mut client| {
        client.answer_request("2:1:8:");
        client.send(&puzzle_line(8)[6..]);
        client.line();
        client.send("4:slowly, ");
        client.send("but surely\n");
        client.rest()
    });
    outcome.assert_printed("slowly, but surely");
}
