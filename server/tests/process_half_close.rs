//! Guards the end of a stream: complete lines that came before it are answered, a partial line is
//! dropped, and the server closes.

mod support;

use support::client::{Client, assert_served};
use support::server_process::ServerProcess;
use support::solving::right_line;

/// What comes back for `bytes` and the end of the stream.
fn answers_to(server: &ServerProcess, bytes: &str) -> Vec<String> {
    let mut client = Client::connect(server.address());
    client.send(bytes);
    client.finish_sending();
    client.rest()
}

#[test]
fn whole_lines_before_the_end_are_answered() {
    let server = ServerProcess::start(&[]);
    for (bytes, puzzles) in [("1:\n", 1), ("1:\n1:\r\n1:\n", 3)] {
        let answers = answers_to(&server, bytes);
        assert_eq!(answers.len(), puzzles, "{answers:?}");
        assert!(answers.iter().all(|answer| answer.starts_with("2:")));
    }
    assert_eq!(
        answers_to(&server, "9:\n1:\n"),
        ["0:incorrect message format"]
    );
}

#[test]
fn a_partial_line_before_the_end_is_dropped() {
    let server = ServerProcess::start(&[]);
    for bytes in ["", "1", "1:", "9:", "GET / HTTP/1.1", "\r"] {
        assert!(answers_to(&server, bytes).is_empty(), "{bytes:?}");
    }
    let answers = answers_to(&server, "1:\n3:1:8:");
    assert!(matches!(&answers[..], [puzzle] if puzzle.starts_with("2:")));
}

#[test]
fn a_stamp_before_the_end_is_paid_out() {
    let server = ServerProcess::start(&[]);
    let mut client = Client::connect(server.address());
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    client.finish_sending();
    assert_served(&client.rest());
}

#[test]
fn a_stamp_cut_off_by_the_end_is_not_looked_at() {
    let server = ServerProcess::start(&[]);
    let mut client = Client::connect(server.address());
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle).trim_end());
    client.finish_sending();
    assert!(client.rest().is_empty());
}

#[test]
fn connections_that_ended_hold_no_slot() {
    let mut server = ServerProcess::start(&["--log-level", "debug"]);
    for bytes in ["", "1:", "1:\n"] {
        answers_to(&server, bytes);
        server.wait_for("connection closed");
    }
    server.signal("TERM");
    assert!(server.wait_for("shutting down").ends_with(" connections=0"));
}
