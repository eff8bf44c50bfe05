//! A server that is silent or slow: `--timeout` limits each answer as a whole, no matter how its bytes
//! are spread.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::client::{ENDLESS, ExpectClient, client, endless_puzzle_line, serve_once};
use crate::support::fake_server::Peer;
use crate::support::ports::taken_port;
use crate::support::program::{Outcome, outcome_of};
use crate::support::puzzles::puzzle_line;

const TIMEOUT: Duration = Duration::from_secs(1);
/// The pause between two bytes of a drip: twenty of them before the timeout.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs the client with a timeout of [`TIMEOUT`] against the server at `address`.
fn impatient(address: SocketAddr) -> Outcome {
    let address = address.to_string();
    outcome_of(client(&["--quiet", "--timeout", "1s", &address]))
}

/// Plays `script` to a client with a timeout of [`TIMEOUT`], and expects that it does not give up
/// earlier.
fn patient<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (Outcome, T) {
    let start = Instant::now();
    let (outcome, result) = serve_once(&[&ENDLESS[..], &["--timeout", "1s"]].concat(), script);
    let elapsed = start.elapsed();
    assert!(elapsed >= TIMEOUT, "it gave up after {elapsed:?}");
    (outcome, result)
}

/// Sends `byte` every [`PAUSE`] until the client closes.
fn drip(client: &mut Peer, byte: u8) {
    client
        .stream()
        .set_read_timeout(Some(PAUSE))
        .expect("an option that every socket has");
    while client.try_send([byte]).is_ok() {
        match client.stream().read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
            Ok(_) => panic!("the client must wait for its answer"),
        }
    }
}

#[test]
fn a_refused_connection_is_reported() {
    let (_taken, address) = taken_port();
    impatient(address).assert_failed(&format!("cannot connect to {address}: Connection refused"));
}

#[test]
fn an_unknown_host_is_reported() {
    // A name with an empty label is invalid (RFC 1035, 3.1), so no name server is queried.
    outcome_of(client(&["--quiet", "no..host:80"])).assert_failed("cannot connect to ");
}

#[test]
fn a_connection_that_is_not_established_in_time_fails() {
    let (socket, address) = taken_port();
    socket.listen(0).expect("a bound socket");
    // Linux drops the SYN of a connection that finds the backlog full.
    let connect = || TcpStream::connect_timeout(&address, TIMEOUT);
    let backlog: Vec<_> = std::iter::repeat_with(connect)
        .map_while(Result::ok)
        .collect();
    impatient(address).assert_failed("cannot connect to ");
    drop(backlog);
}

#[test]
fn a_server_that_never_accepts_times_out() {
    let (socket, address) = taken_port();
    socket.listen(1).expect("a bound socket");
    impatient(address).assert_failed("the server did not send a puzzle in time");
}

#[test]
fn a_server_that_sends_no_puzzle_times_out() {
    let (outcome, request) = patient(|mut client| client.rest_while_open());
    outcome.assert_failed("the server did not send a puzzle in time");
    assert_eq!(request, "1:\n");
}

#[test]
fn a_server_that_sends_no_resource_times_out() {
    let (outcome, rest) = patient(|mut client| {
        client.answer_request(puzzle_line(8));
        client.line();
        client.rest_while_open()
    });
    outcome.assert_failed("the server did not send a resource in time");
    assert_eq!(rest, "");
}

#[test]
fn a_puzzle_sent_byte_by_byte_times_out() {
    let (outcome, ()) = patient(|mut client| {
        client.answer_request("2:1:8:");
        drip(&mut client, b'2');
    });
    outcome.assert_failed("the server did not send a puzzle in time");
}

#[test]
fn a_resource_sent_byte_by_byte_times_out() {
    let (outcome, ()) = patient(|mut client| {
        client.answer_request(puzzle_line(8));
        client.line();
        client.send("4:");
        drip(&mut client, b'x');
    });
    outcome.assert_failed("the server did not send a resource in time");
}

#[test]
fn an_error_sent_byte_by_byte_during_the_search_times_out() {
    let (outcome, ()) = patient(|mut client| {
        client.answer_request(endless_puzzle_line());
        client.send("0:");
        drip(&mut client, b'x');
    });
    outcome.assert_failed("the server did not wait for a solution in time");
}

#[test]
fn an_answer_in_pieces_is_accepted_if_it_is_complete_in_time() {
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
