//! Retries: the client retries as often as the user says when the server is busy, unreachable or
//! breaks the connection. Any other failure is final.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use powtcp_common::refusal::Refusal;

use crate::client::{ExpectClient, client, endless_puzzle_line, wait_for_bytes};
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::ports::taken_port;
use crate::support::program::{Outcome, outcome_of, start};
use crate::support::puzzles::puzzle_line;
use crate::support::real_server::serve;

/// A part of the line with which the client announces a retry.
const NOTE: &str = "; retry ";

/// Plays `fail` to the first `failures` attempts of the client, and serves the next one. Returns how
/// the client ended, and how many attempts the server saw.
fn served_after(
    failures: usize,
    arguments: &[&str],
    fail: impl Fn(Peer) + Send + Sync + 'static,
) -> (Outcome, usize) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&attempts);
    let server = FakeServer::start_for_many(move |mut client| {
        if seen.fetch_add(1, SeqCst) < failures {
            return fail(client);
        }
        pay(&mut client);
        client.send("4:paid\n");
        client.rest();
    });
    let outcome = outcome_of(client(&[&[server.address()], arguments].concat()));
    (outcome, attempts.load(SeqCst))
}

/// Sends the client a puzzle and reads its stamp.
fn pay(client: &mut Peer) {
    client.answer_request(puzzle_line(8));
    assert!(client.line().starts_with("3:1:8:"));
}

fn busy(mut client: Peer) {
    client.answer_request(busy_line());
    client.rest();
}

fn busy_line() -> String {
    format!("0:{}\n", Refusal::ServerBusy)
}

/// Returns the reason that the client prints for a busy server.
fn busy_reason() -> String {
    format!("the server refused: {}", Refusal::ServerBusy)
}

/// Resets the connection: a socket that is closed while it holds unread bytes sends an RST (RFC 2525,
/// 2.17).
fn reset(client: Peer) {
    wait_for_bytes(&client);
}

/// Expects the client to have announced the retries `numbers` of `most`, because of `reason`.
#[track_caller]
fn assert_notes(
    outcome: &Outcome,
    reason: &str,
    numbers: impl Iterator<Item = usize>,
    most: usize,
) {
    let notes: Vec<_> = outcome
        .stderr
        .iter()
        .filter(|line| line.contains(NOTE))
        .collect();
    let expected: Vec<_> = numbers.collect();
    assert_eq!(notes.len(), expected.len(), "{outcome:?}");
    for (note, number) in notes.iter().zip(expected) {
        let (error, when) = note.split_once(NOTE).expect("a note");
        assert!(error.contains(reason), "{note:?}");
        let delay = when.strip_prefix(&format!("{number} of {most} in "));
        let seconds = delay.and_then(|delay| delay.strip_suffix(" s"));
        let seconds: Option<f64> = seconds.and_then(|seconds| seconds.parse().ok());
        assert!(
            seconds.is_some_and(|s| (0.0..=10.0).contains(&s)),
            "{note:?}"
        );
    }
}

#[test]
fn a_busy_server_is_retried_until_it_has_room() {
    let (outcome, attempts) = served_after(3, &["--retry", "5"], busy);
    outcome.assert_printed("paid");
    assert_eq!(attempts, 4);
    assert_notes(&outcome, &busy_reason(), 1..=3, 5);
}

#[test]
fn a_client_that_is_evicted_while_it_solves_or_after_it_has_paid_retries() {
    let (outcome, attempts) = served_after(1, &["--retry", "1"], |mut client| {
        pay(&mut client);
        client.send(busy_line());
        client.rest();
    });
    outcome.assert_printed("paid");
    assert_eq!(attempts, 2);

    let endless = ["--retry", "1", "--max-bits", "64"];
    let (outcome, attempts) = served_after(1, &endless, |mut client| {
        client.answer_request(endless_puzzle_line());
        client.send(busy_line());
        client.rest();
    });
    outcome.assert_printed("paid");
    assert_eq!(attempts, 2);
}

#[test]
fn a_reset_connection_is_retried() {
    let (outcome, attempts) = served_after(2, &["--retry", "2"], reset);
    outcome.assert_printed("paid");
    assert_eq!(attempts, 3);
    assert_notes(&outcome, "the connection broke: ", 1..=2, 2);
}

#[test]
fn a_refused_connection_is_retried() {
    let (socket, address) = taken_port();
    let address = address.to_string();
    let mut client = start(client(&["--retry", "100", "--timeout", "1h", &address]));
    client.wait_for("Connection refused (os error 111); retry 2 of 100 in ");
    socket.listen(1).expect("a bound socket");
    let (stream, _) = socket.accept().expect("a client that comes back");
    let mut peer = Peer::new(stream.into());
    pay(&mut peer);
    peer.send("4:paid\n");
    peer.rest();
    client.finish().assert_printed("paid");
}

#[test]
fn the_last_failure_is_printed_after_all_retries() {
    let (outcome, attempts) = served_after(usize::MAX, &["--retry", "2"], busy);
    assert_eq!((outcome.status, &*outcome.text()), (Some(1), ""));
    assert_eq!(attempts, 3);
    assert_notes(&outcome, &busy_reason(), 1..=2, 2);
    let last = outcome.stderr.last().expect("an error");
    assert_eq!(*last, format!("powtcp-client: {}", busy_reason()));
}

#[test]
fn nothing_is_retried_by_default() {
    for fail in [busy, reset] {
        for arguments in [&[][..], &["--retry", "0"]] {
            let (outcome, attempts) = served_after(1, arguments, fail);
            assert_eq!((outcome.status, attempts), (Some(1), 1), "{outcome:?}");
            assert_notes(&outcome, "", 0..0, 0);
        }
    }
}

#[test]
fn a_quiet_client_does_not_announce_retries_and_a_verbose_one_logs_them() {
    let (outcome, attempts) = served_after(2, &["--retry", "2", "--quiet"], busy);
    outcome.assert_printed("paid");
    assert_eq!((outcome.stderr.len(), attempts), (0, 3), "{outcome:?}");

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

/// Expects a client that may retry to make one attempt only, and to fail because of `reason`.
#[track_caller]
fn assert_final(arguments: &[&str], reason: &str, script: impl Fn(Peer) + Send + Sync + 'static) {
    let arguments = [&["--quiet", "--retry", "100"], arguments].concat();
    let (outcome, attempts) = served_after(usize::MAX, &arguments, script);
    outcome.assert_failed(reason);
    assert_eq!(attempts, 1, "{outcome:?}");
}

#[test]
fn any_other_refusal_is_final() {
    let busy = Refusal::ServerBusy;
    let others = Refusal::ALL.into_iter().filter(|&refusal| refusal != busy);
    let texts = others.map(|refusal| refusal.to_string());
    for text in texts.chain([format!("{busy}, very"), String::new()]) {
        let reason = format!("the server refused: {text}");
        assert_final(&[], &reason, move |mut client| {
            pay(&mut client);
            client.send(format!("0:{text}\n"));
            client.rest();
        });
    }
}

#[test]
fn a_puzzle_that_cannot_be_solved_is_final() {
    let script = |line: String| {
        move |mut client: Peer| {
            client.answer_request(&line);
            client.rest_while_open();
        }
    };
    let no_puzzle = puzzle_line(8).replace("2:1:", "2:2:");
    assert_final(&[], "the server sent an invalid puzzle", script(no_puzzle));
    assert_final(&[], "--max-bits is 32", script(puzzle_line(33)));
    let impatient = ["--max-bits", "64", "--solve-timeout", "100ms"];
    let endless = script(endless_puzzle_line());
    assert_final(&impatient, "before --solve-timeout", endless);
}

#[test]
fn a_missing_or_unexpected_answer_is_final() {
    assert_final(&[], "did not send a puzzle", |mut client| {
        assert_eq!(client.line(), "1:\n");
        client.rest();
    });
    let impatient = ["--timeout", "100ms"];
    assert_final(&impatient, "did not send a puzzle in time", |mut client| {
        client.rest_while_open();
    });
    assert_final(&[], "something unexpected", |mut client| {
        client.answer_request("4:for nothing\n");
        client.rest_while_open();
    });
    assert_final(&[], "a line that is too long", |mut client| {
        client.answer_request([b'x'; 65_536]);
        client.rest_while_open();
    });
}

#[test]
fn many_clients_of_a_full_server_are_all_served_in_the_end() {
    // The server has room for one client, and each stays for the milliseconds that its puzzle takes.
    let server = serve("paid", &["--max-connections", "1", "--bits", "12"]);
    let arguments = ["--retry", "100", "--timeout", "1h", &server];
    let clients: Vec<_> = (0..8).map(|_| start(client(&arguments))).collect();
    for client in clients {
        client.finish().assert_printed("paid");
    }
}
