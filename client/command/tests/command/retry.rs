//! Retries before the client has a stamp.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client};
use crate::script::{refusal_line, refused};
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::ports::taken_port;
use crate::support::program::{outcome_of, start};
use crate::support::puzzles::puzzle_line;
use crate::support::real_server::serve;

/// What the client writes between the error and the number of the retry.
const NOTE: &str = "; retry ";

/// Lets `fail` end the first `failures` connections, and serves the next one. Returns how the client
/// ended, and how many connections it made.
pub(crate) fn served_after(
    failures: usize,
    arguments: &[&str],
    fail: impl Fn(Peer) + Send + Sync + 'static,
) -> (Outcome, usize) {
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&connections);
    let server = FakeServer::start_for_many(move |mut client| {
        if seen.fetch_add(1, SeqCst) < failures {
            return fail(client);
        }
        client.take_stamp();
        client.end_with("4:paid\n");
    });
    let outcome = outcome_of(client(&[&[server.address()], arguments].concat()));
    (outcome, connections.load(SeqCst))
}

fn busy(mut client: Peer) {
    client.answer_request(refusal_line(Refusal::ServerBusy));
    client.rest();
}

/// Resets the connection: the socket is closed while it holds unread bytes (RFC 2525, 2.17).
fn reset(client: Peer) {
    client.wait_for_bytes();
}

/// Expects a note about each of `count` retries.
#[track_caller]
fn assert_notes(outcome: &Outcome, reason: &str, count: usize, most: usize) {
    let notes: Vec<_> = outcome
        .stderr
        .iter()
        .filter_map(|line| line.split_once(NOTE))
        .collect();
    assert_eq!(notes.len(), count, "{outcome:?}");
    for ((error, when), number) in notes.iter().zip(1..) {
        assert!(error.contains(reason), "{error:?}");
        let delay = when.strip_prefix(&format!("{number} of {most} in "));
        let seconds = delay.and_then(|delay| delay.strip_suffix(" s"));
        let seconds: Option<f64> = seconds.and_then(|seconds| seconds.parse().ok());
        assert!(
            seconds.is_some_and(|s| (0.0..=10.0).contains(&s)),
            "{when:?}"
        );
    }
}

#[test]
fn a_busy_server_is_retried_until_it_has_room() {
    let (outcome, connections) = served_after(3, &["--retry", "5"], busy);
    outcome.assert_printed("paid");
    assert_eq!(connections, 4);
    assert_notes(&outcome, &refused(Refusal::ServerBusy), 3, 5);
}

#[test]
fn a_reset_connection_is_retried() {
    let (outcome, connections) = served_after(2, &["--retry", "2"], reset);
    outcome.assert_printed("paid");
    assert_eq!(connections, 3);
    assert_notes(&outcome, "the connection broke: ", 2, 2);
}

#[test]
fn a_server_that_shuts_down_or_lets_the_puzzle_expire_is_retried() {
    for refusal in [Refusal::ShuttingDown, Refusal::PuzzleExpired] {
        let (outcome, connections) = served_after(1, &[], move |mut client| {
            client.answer_request(refusal_line(refusal));
            client.rest();
        });
        outcome.assert_printed("paid");
        assert_eq!(connections, 2);
    }
    // The stamp of an expired puzzle is not presented again.
    let (outcome, connections) = served_after(1, &[], |mut client| {
        client.take_stamp();
        client.end_with(refusal_line(Refusal::PuzzleExpired));
    });
    outcome.assert_printed("paid");
    assert_eq!(connections, 2);
}

#[test]
fn a_stream_that_ends_without_a_word_is_retried() {
    let (outcome, connections) = served_after(1, &[], |mut client| {
        assert_eq!(client.line(), "1:\n");
        client.rest();
    });
    outcome.assert_printed("paid");
    assert_eq!(connections, 2);
    assert_notes(&outcome, "did not send a puzzle", 1, 2);
}

#[test]
fn a_puzzle_that_is_too_hard_is_retried_until_the_price_has_fallen() {
    fn issue_hard(mut client: Peer) {
        client.answer_request(puzzle_line(28));
        assert_eq!(client.rest(), "");
    }
    let reason = "the puzzle has 28 bits, more than --max-bits 26: the server may be under load; \
                  try again later";
    let (outcome, connections) = served_after(3, &["--retry", "3", "--max-bits", "26"], issue_hard);
    outcome.assert_printed("paid");
    assert_eq!(connections, 4);
    assert_notes(&outcome, reason, 3, 3);

    let (outcome, connections) = served_after(
        usize::MAX,
        &["--retry", "1", "--max-bits", "26"],
        issue_hard,
    );
    assert_eq!((outcome.status, connections), (Some(1), 2), "{outcome:?}");
    assert_notes(&outcome, reason, 1, 1);
    let last = outcome.stderr.last().expect("an error");
    assert_eq!(*last, format!("powtcp-client: {reason}"));
}

#[test]
fn connecting_that_times_out_is_retried() {
    let (socket, address) = taken_port();
    socket.listen(0).expect("a bound socket");
    // The kernel does not answer connections beyond the backlog.
    let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(1));
    let backlog: Vec<_> = std::iter::repeat_with(connect)
        .map_while(Result::ok)
        .collect();
    let address = address.to_string();
    let outcome = outcome_of(client(&["--retry", "1", "--timeout", "100ms", &address]));
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_notes(&outcome, "timed out", 1, 1);
    drop(backlog);
}

#[test]
fn a_refused_connection_is_retried() {
    let (socket, address) = taken_port();
    let address = address.to_string();
    let mut client = start(client(&["--retry", "100", "--timeout", "1h", &address]));
    client.wait_for("Connection refused (os error 111); retry 2 of 100 in ");
    socket.listen(1).expect("a bound socket");
    let (stream, _) = socket.accept().expect("a client that returns");
    let mut peer = Peer::new(stream.into());
    peer.take_stamp();
    peer.end_with("4:paid\n");
    client.finish().assert_printed("paid");
}

#[test]
fn the_default_is_two_retries_and_the_last_error_is_shown() {
    let (outcome, connections) = served_after(usize::MAX, &[], busy);
    assert_eq!((outcome.status, &*outcome.text()), (Some(1), ""));
    assert_eq!(connections, 3);
    assert_notes(&outcome, &refused(Refusal::ServerBusy), 2, 2);
    let last = outcome.stderr.last().expect("an error");
    let expected = format!("powtcp-client: {}", refused(Refusal::ServerBusy));
    assert_eq!(*last, expected);
}

#[test]
fn without_retries_the_first_error_is_final() {
    for fail in [busy, reset] {
        let (outcome, connections) = served_after(1, &["--retry", "0"], fail);
        assert_eq!((outcome.status, connections), (Some(1), 1), "{outcome:?}");
        assert_notes(&outcome, "", 0, 0);
    }
}

#[test]
fn a_quiet_client_reports_no_retries_and_a_verbose_one_logs_them() {
    let (outcome, connections) = served_after(2, &["--retry", "2", "--quiet"], busy);
    outcome.assert_printed("paid");
    assert_eq!((outcome.stderr.len(), connections), (0, 3), "{outcome:?}");

    let (outcome, _) = served_after(2, &["--retry", "2", "--verbose"], busy);
    outcome.assert_printed("paid");
    let logged =
        |line: &&String| line.contains(" msg=\"trying again\" error=\"the server refused: ");
    let lines: Vec<_> = outcome.stderr.iter().filter(logged).collect();
    assert_eq!(lines.len(), 2, "{outcome:?}");
    for (line, number) in lines.iter().zip(1..) {
        assert!(line.contains(&format!(" retry={number} in_ms=")), "{line}");
    }
}

#[test]
fn many_clients_of_a_full_server_are_all_served_in_the_end() {
    // Room for one connection. Each client holds it for a puzzle of some milliseconds.
    let server = serve("paid", &["--max-connections", "1", "--bits", "12"]);
    let arguments = ["--retry", "100", "--timeout", "1h", &server];
    let clients: Vec<_> = (0..8).map(|_| start(client(&arguments))).collect();
    for client in clients {
        client.finish().assert_printed("paid");
    }
}
