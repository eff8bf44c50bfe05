//! A slow server: `--timeout` is the limit for each whole answer, even if single bytes keep arriving.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client, serve_once};
use crate::script::{BRIEF, ENDLESS};
use crate::support::fake_server::Peer;
use crate::support::ports::taken_port;
use crate::support::program::outcome_of;
use crate::support::puzzles::puzzle_line;

const TIMEOUT: Duration = Duration::from_secs(1);
/// The time between two bytes of a slow message: twenty of them arrive before the timeout.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs a client with a timeout of [`TIMEOUT`] against the server at `address`.
fn impatient(address: SocketAddr) -> Outcome {
    let address = address.to_string();
    outcome_of(client(&[
        "--quiet",
        "--retry",
        "0",
        "--timeout",
        "1s",
        &address,
    ]))
}

/// Plays `script` to a client with a timeout of [`TIMEOUT`], and expects that it waits for so long.
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
fn a_port_without_a_server_is_reported() {
    let (_taken, address) = taken_port();
    impatient(address).assert_failed(&format!("cannot connect to {address}: Connection refused"));
}

#[test]
fn a_host_that_does_not_exist_is_reported() {
    // No name server is asked for a name with an empty label (RFC 1035, 3.1).
    let reason = "cannot connect to no..host:80: failed to lookup address information";
    outcome_of(client(&["--quiet", "no..host:80"])).assert_failed(reason);
}

#[test]
fn connecting_ends_after_the_timeout() {
    let (socket, address) = taken_port();
    socket.listen(0).expect("a bound socket");
    // The kernel does not answer connections beyond the backlog.
    let connect = || TcpStream::connect_timeout(&address, TIMEOUT);
    let backlog: Vec<_> = std::iter::repeat_with(connect)
        .map_while(Result::ok)
        .collect();
    impatient(address).assert_failed("cannot connect to ");
    drop(backlog);
}

#[test]
fn waiting_for_a_server_that_never_accepts_ends_after_the_timeout() {
    let (socket, address) = taken_port();
    socket.listen(1).expect("a bound socket");
    impatient(address).assert_failed("the server did not send a puzzle in time");
}

#[test]
fn waiting_for_a_puzzle_ends_after_the_timeout() {
    let (outcome, request) = tried(|mut client| client.rest_while_open());
    outcome.assert_failed("the server did not send a puzzle in time");
    assert_eq!(request, "1:\n");
}

#[test]
fn waiting_for_a_resource_ends_after_the_timeout() {
    let (outcome, rest) = tried(|mut client| {
        client.answer_request(puzzle_line(8));
        client.line();
        client.rest_while_open()
    });
    outcome.assert_failed("the server did not send a resource in time");
    assert_eq!(rest, "");
}

#[test]
fn single_bytes_of_a_puzzle_do_not_extend_the_timeout() {
    let (outcome, ()) = tried(|mut client| {
        client.answer_request("2:1:8:");
        client.drip(b'2', PAUSE);
    });
    outcome.assert_failed("the server did not send a puzzle in time");
}

#[test]
fn single_bytes_of_a_resource_do_not_extend_the_timeout() {
    let (outcome, ()) = tried(|mut client| {
        client.answer_request(puzzle_line(8));
        client.line();
        client.send("4:");
        client.drip(b'x', PAUSE);
    });
    outcome.assert_failed("the server did not send a resource in time");
}

#[test]
fn single_bytes_while_solving_do_not_extend_the_time_to_solve() {
    for bytes in ["0", "0:"] {
        let (outcome, ()) = serve_once(&BRIEF, move |mut client| {
            client.answer_request(puzzle_line(64));
            client.send(bytes);
            client.drip(b'x', PAUSE);
        });
        outcome.assert_failed("no solution was found before --solve-timeout");
    }
}

#[test]
fn a_solution_is_presented_although_the_server_has_sent_a_part_of_a_line() {
    for bytes in ["0", "0:server is", "4"] {
        let slow = ["--kernel", "portable", "--threads", "1", "--timeout", "1h"];
        let (outcome, rest) = serve_once(&slow, move |mut client| {
            client.answer_request(puzzle_line(22));
            client.send(bytes);
            assert!(client.line().starts_with("3:1:22:"));
            client.send("\n");
            client.rest()
        });
        let reason = match bytes {
            "0:server is" => "the server refused: server is",
            _ => "the server sent something unexpected",
        };
        outcome.assert_failed(reason);
        assert_eq!(rest, "");
    }
}

#[test]
fn an_answer_in_pieces_is_accepted_before_the_timeout() {
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
