//! Errors that no retry can help with.

use powtcp_common::refusal::Refusal;

use crate::client::ExpectClient;
use crate::retry::served_after;
use crate::script::{refusal_line, refused};
use crate::support::fake_server::Peer;
use crate::support::puzzles::puzzle_line;

/// The refusals after which another try can help.
const RETRIED: [Refusal; 4] = [
    Refusal::ServerBusy,
    Refusal::ShuttingDown,
    Refusal::PuzzleExpired,
    Refusal::ServiceUnavailable,
];

/// Expects that a client with many retries makes one connection and fails with `reason`.
#[track_caller]
fn assert_final(arguments: &[&str], reason: &str, script: impl Fn(Peer) + Send + Sync + 'static) {
    let arguments = [&["--quiet", "--retry", "100"], arguments].concat();
    let (outcome, connections) = served_after(usize::MAX, &arguments, script);
    outcome.assert_failed(reason);
    assert_eq!(connections, 1, "{outcome:?}");
}

#[test]
fn any_other_refusal_of_a_request_is_final() {
    for refusal in Refusal::ALL {
        if !RETRIED.contains(&refusal) {
            assert_final(&[], &refused(refusal), move |mut client| {
                client.answer_request(refusal_line(refusal));
                client.rest();
            });
        }
    }
}

#[test]
fn any_other_refusal_of_a_stamp_on_its_own_connection_is_final() {
    let known = Refusal::ALL
        .into_iter()
        .filter(|refusal| !RETRIED.contains(refusal))
        .map(Refusal::text);
    for text in known.chain(["server is busy, very", ""]) {
        let reason = format!("the server refused: {text}");
        assert_final(&[], &reason, move |mut client| {
            client.take_stamp();
            client.end_with(format!("0:{text}\n"));
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
    assert_final(&[], "the server sent no puzzle", script(no_puzzle));
    let impatient = ["--max-bits", "64", "--solve-timeout", "100ms"];
    let endless = script(puzzle_line(64));
    assert_final(&impatient, "before --solve-timeout", endless);
}

#[test]
fn an_answer_that_is_missing_or_wrong_is_final() {
    let impatient = ["--timeout", "100ms"];
    assert_final(&impatient, "did not send a puzzle in time", |mut client| {
        client.rest_while_open();
    });
    assert_final(
        &impatient,
        "did not send a resource in time",
        |mut client| {
            client.take_stamp();
            client.rest_while_open();
        },
    );
    assert_final(&[], "something unexpected", |mut client| {
        client.answer_request("4:for nothing\n");
        client.rest_while_open();
    });
    assert_final(&[], "a line that is too long", |mut client| {
        client.answer_request([b'x'; 65_536]);
        client.rest_while_open();
    });
}
