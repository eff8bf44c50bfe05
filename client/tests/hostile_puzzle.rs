//! A server that sets a task which is none, or none that a client should do: nothing is paid, and
//! no work is done in vain.

mod support;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use support::PATIENCE;
use support::fake_server::{FakeServer, serve_once};
use support::program::{Outcome, Running, client};
use support::puzzles::{ENDLESS, endless_puzzle_line, puzzle_line};

/// What the client says to a server that sets the task of `line`, and waits for a stamp in vain.
fn unpaid(arguments: &[&str], line: impl Into<String>) -> Outcome {
    let line = line.into();
    let (outcome, rest) = serve_once(arguments, |mut client| {
        client.answer_request(line);
        client.rest_while_open()
    });
    assert_eq!(rest, "", "{outcome:?}");
    outcome
}

/// The text of a puzzle with these fields and an empty counter.
fn line(version: &str, bits: &str, date: &str, rest: &str) -> String {
    format!("2:{version}:{bits}:{date}:{rest}:\n")
}

#[test]
fn a_puzzle_harder_than_allowed_is_refused_before_a_single_hash() {
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
fn a_puzzle_that_is_none_is_refused_and_its_fault_named() {
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
        outcome.assert_failed("the server sent no puzzle: ");
        outcome.assert_failed(fault);
    }
}

#[test]
fn solving_ends_when_its_time_is_up() {
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
fn a_server_that_gives_up_on_the_client_ends_its_work_at_once() {
    let (give_up, told) = mpsc::channel();
    let server = FakeServer::start(move |mut client| {
        client.answer_request(endless_puzzle_line());
        told.recv_timeout(PATIENCE).expect("a test that goes on");
        client.send("0:hashcash expiration exceeded\n");
        client.rest()
    });
    let patient = ["--verbose", "--solve-timeout", "1h", server.address()];
    let mut running = Running::start(client(&[&ENDLESS[..], &patient].concat()));
    running.wait_for("puzzle received");
    give_up.send(()).expect("a server that waits for this");
    let outcome = running.finish();
    assert_eq!((outcome.status, &*outcome.text()), (Some(1), ""));
    let last = outcome.stderr.last().expect("a reason");
    let reason = "powtcp-client: the server refused: hashcash expiration exceeded";
    assert_eq!(last, reason);
    assert_eq!(server.finish(), "");
}

#[test]
fn what_came_together_with_the_puzzle_is_heard_while_solving() {
    let both = format!("{}0:server is shutting down\n", endless_puzzle_line());
    unpaid(&ENDLESS, both).assert_failed("the server refused: server is shutting down");
    let two = endless_puzzle_line().repeat(2);
    unpaid(&ENDLESS, two).assert_failed("the server sent something unexpected: \"2:1:64:");
}
