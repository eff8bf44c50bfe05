//! A server that sends something that is not a puzzle, or a puzzle that the client should not solve:
//! the client sends no stamp, and does not go on working.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use powtcp_common::refusal::Refusal;
use powtcp_testkit::PATIENCE;
use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client, serve_once};
use crate::script::{ENDLESS, endless_puzzle_line, refusal_line, refused};
use crate::support::fake_server::FakeServer;
use crate::support::program::start;
use crate::support::puzzles::puzzle_line;

/// Returns how the client ends when a server answers its request with `line`, and gets no stamp.
fn unpaid(arguments: &[&str], line: impl Into<String>) -> Outcome {
    let line = line.into();
    let (outcome, rest) = serve_once(arguments, |mut client| {
        client.answer_request(line);
        client.rest_while_open()
    });
    assert_eq!(rest, "", "{outcome:?}");
    outcome
}

/// Returns a puzzle message with these fields and an empty counter.
fn line(version: &str, bits: &str, date: &str, rest: &str) -> String {
    format!("2:{version}:{bits}:{date}:{rest}:\n")
}

#[test]
fn a_puzzle_that_is_too_hard_is_refused_before_the_first_hash() {
    let powtcp = "2:1:5:20261122105400:127.0.0.1:52386::YWJjZGVmZ2hpamts:MA==\n";
    let cases = [
        (&[][..], puzzle_line(33), "33 bits, and --max-bits is 32"),
        (&[], puzzle_line(160), "160 bits, and --max-bits is 32"),
        (
            &["--max-bits", "9"],
            puzzle_line(10),
            "10 bits, and --max-bits is 9",
        ),
        (
            &["--max-bits", "19"],
            powtcp.to_string(),
            "20 bits, and --max-bits is 19",
        ),
        (
            &["--max-bits", "64"],
            puzzle_line(65),
            "65 bits, and --max-bits is 64",
        ),
    ];
    for (arguments, line, reason) in cases {
        unpaid(arguments, line).assert_failed(reason);
    }
}

#[test]
fn a_puzzle_as_hard_as_allowed_is_solved() {
    for bits in [0, 1, 9] {
        let (outcome, stamp) = serve_once(&["--max-bits", "9"], move |mut client| {
            client.answer_request(puzzle_line(bits));
            let stamp = client.line();
            client.send("4:paid\n");
            client.rest();
            stamp
        });
        outcome.assert_printed("paid");
        assert!(stamp.starts_with(&format!("3:1:{bits}:")), "{stamp}");
    }
}

#[test]
fn a_malformed_puzzle_is_refused_and_its_fault_is_named() {
    let (date, rest) = ("261122105400", "127.0.0.1/52386::YWJj");
    let too_long = format!("{}::YWJj", "x".repeat(500));
    let cases = [
        ("2:\n".to_string(), "fewer than seven fields"),
        (
            "2:1:8:261122105400:a:b:MA==\n".to_string(),
            "fewer than seven fields",
        ),
        (line("", "8", date, rest), "version is not 1"),
        (line("0", "8", date, rest), "version is not 1"),
        (line("2", "8", date, rest), "version is not 1"),
        (line("01", "8", date, rest), "version is not 1"),
        (line(" 1", "8", date, rest), "version is not 1"),
        (line("1", "", date, rest), "difficulty"),
        (line("1", "-8", date, rest), "difficulty"),
        (line("1", "+8", date, rest), "difficulty"),
        (line("1", "8.0", date, rest), "difficulty"),
        (line("1", "0x8", date, rest), "difficulty"),
        (line("1", "161", date, rest), "difficulty"),
        (line("1", "41", "20261122105400", rest), "difficulty"),
        (line("1", "4294967304", date, rest), "difficulty"),
        (line("1", "18446744073709551624", date, rest), "difficulty"),
        (line("1", "8", "", rest), "date"),
        (line("1", "8", "2611221054", rest), "date"),
        (line("1", "8", "2026112210540", rest), "date"),
        (line("1", "8", "202611221054000", rest), "date"),
        (line("1", "8", date, &too_long), "not fit into one line"),
    ];
    for (line, fault) in cases {
        let outcome = unpaid(&[], line.as_str());
        outcome.assert_failed("the server sent an invalid puzzle: ");
        outcome.assert_failed(fault);
    }
}

#[test]
fn solving_ends_after_its_timeout() {
    let limit = Duration::from_millis(300);
    let start = Instant::now();
    let arguments = [&ENDLESS[..], &["--solve-timeout", "300ms"]].concat();
    unpaid(&arguments, endless_puzzle_line()).assert_failed("--solve-timeout");
    assert!(
        start.elapsed() >= limit,
        "it gave up after {:?}",
        start.elapsed()
    );
}

#[test]
fn an_error_message_ends_the_search() {
    let (refuse, go) = mpsc::channel();
    let server = FakeServer::start(move |mut client| {
        client.answer_request(endless_puzzle_line());
        go.recv_timeout(PATIENCE).expect("a test that continues");
        client.send(refusal_line(Refusal::PuzzleExpired));
        client.rest()
    });
    let patient = ["--verbose", "--solve-timeout", "1h", server.address()];
    let mut running = start(client(&[&ENDLESS[..], &patient].concat()));
    running.wait_for("puzzle received");
    refuse.send(()).expect("a server that waits for this");
    let outcome = running.finish();
    assert_eq!((outcome.status, &*outcome.text()), (Some(1), ""));
    let last = outcome.stderr.last().expect("a reason");
    let expected = format!("powtcp-client: {}", refused(Refusal::PuzzleExpired));
    assert_eq!(*last, expected);
    assert_eq!(server.finish(), "");
}

#[test]
fn a_message_in_the_same_segment_as_the_puzzle_is_read_while_solving() {
    let both = endless_puzzle_line() + &refusal_line(Refusal::ShuttingDown);
    unpaid(&ENDLESS, both).assert_failed(&refused(Refusal::ShuttingDown));
    let two = endless_puzzle_line().repeat(2);
    unpaid(&ENDLESS, two).assert_failed("the server sent something unexpected: \"2:1:64:");
}
