//! Guards half-close: complete lines before the end of a stream are answered, a partial line is dropped,
//! and the server closes.

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::messages::{CLOSED, SHUTTING_DOWN};
use crate::support::server::{ServerProcess, serve};
use crate::support::solving::right_line;

/// Returns the answers to `bytes` and the end of the stream.
fn answers_to(server: &ServerProcess, bytes: &str) -> Vec<String> {
    let mut client = Client::connect(server.address());
    client.send(bytes);
    client.finish_sending();
    client.rest()
}

#[test]
fn complete_lines_before_the_end_are_answered() {
    let server = serve(&[]);
    for (bytes, puzzles) in [("1:\n", 1), ("1:\n1:\r\n1:\n", 3)] {
        let answers = answers_to(&server, bytes);
        assert_eq!(answers.len(), puzzles, "{answers:?}");
        assert!(answers.iter().all(|answer| answer.starts_with("2:")));
    }
    assert_eq!(
        answers_to(&server, "9:\n1:\n"),
        [refusal(Refusal::IncorrectMessage)]
    );
}

#[test]
fn a_partial_line_before_the_end_is_dropped() {
    let server = serve(&[]);
    for bytes in ["", "1", "1:", "9:", "GET / HTTP/1.1", "\r"] {
        assert!(answers_to(&server, bytes).is_empty(), "{bytes:?}");
    }
    let answers = answers_to(&server, "1:\n3:1:8:");
    assert!(matches!(&answers[..], [puzzle] if puzzle.starts_with("2:")));
}

#[test]
fn a_stamp_before_the_end_is_served() {
    let server = serve(&[]);
    let mut client = Client::connect(server.address());
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    client.finish_sending();
    assert_served(&client.rest());
}

#[test]
fn a_stamp_that_the_end_cuts_off_is_dropped() {
    let server = serve(&[]);
    let mut client = Client::connect(server.address());
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle).trim_end());
    client.finish_sending();
    assert!(client.rest().is_empty());
}

#[test]
fn closed_connections_occupy_no_slot() {
    let mut server = serve(&["--log-level", "debug"]);
    for bytes in ["", "1:", "1:\n"] {
        answers_to(&server, bytes);
        server.wait_for(CLOSED);
    }
    server.signal("TERM");
    assert!(server.wait_for(SHUTTING_DOWN).ends_with(" connections=0"));
}
