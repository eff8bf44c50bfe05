//! A server that sends something that is not a puzzle, or a puzzle that the client should not solve:
//! the client sends no stamp, and does not go on working.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use powtcp_common::refusal::Refusal;
use powtcp_testkit::PATIENCE;
use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client, serve_once};
use crate::script::{BRIEF, ENDLESS, endless_puzzle_line, refusal_line, refused};
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
        (
            &[][..],
            puzzle_line(33),
            "the puzzle has 33 bits, more than --max-bits 32: the server may be under load",
        ),
        (
            &[],
            puzzle_line(160),
            "the puzzle has 160 bits, more than --max-bits 32: the server may be under load",
        ),
        (
            &["--max-bits", "9"],
            puzzle_line(10),
            "the puzzle has 10 bits, more than --max-bits 9: the server may be under load",
        ),
        (
            &["--max-bits", "19"],
            powtcp.to_string(),
            "the puzzle has 20 bits, more than --max-bits 19: the server may be under load",
        ),
        (
            &["--max-bits", "64"],
            puzzle_line(65),
            "the puzzle has 65 bits, more than --max-bits 64: the server may be under load",
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
        (line("1", "8", "26112210540x", rest), "date"),
        (line("1", "8", "\x1b[31mabcdefg", rest), "date"),
        (line("1", "8", "261131105400", rest), "date"),
        (line("1", "8", "20260229105400", rest), "date"),
        (line("1", "8", date, &too_long), "not fit into one line"),
    ];
    for (line, fault) in cases {
        let outcome = unpaid(&[], line.as_str());
        outcome.assert_failed("the server sent no puzzle: ");
        outcome.assert_failed(fault);
    }
}

#[test]
fn solving_ends_after_its_timeout() {
    let limit = Duration::from_millis(150);
    let start = Instant::now();
    unpaid(&BRIEF, puzzle_line(64)).assert_failed("no solution was found before --solve-timeout");
    assert!(
        start.elapsed() >= limit,
        "it gave up after {:?}",
        start.elapsed()
    );
}

#[test]
fn a_puzzle_that_takes_more_than_ten_times_as_long_as_allowed_is_given_up() {
    let arguments = ["--max-bits", "64", "--solve-timeout", "24h"];
    let outcome = unpaid(&arguments, puzzle_line(64));
    outcome.assert_failed("64 bits take about ");
    outcome.assert_failed("and 24 h are allowed: more than ten times --solve-timeout");
}

/// The time allowed is a third of the expected time, at the rate that the client itself has measured: far
/// from both limits of the message.
#[test]
fn a_client_that_does_not_expect_a_solution_in_time_says_so_and_tries() {
    let slow = ["--threads", "1", "--kernel", "portable"];
    let hopeless = ["--max-bits", "64", "--solve-timeout", "24h"];
    let outcome = unpaid(&[&slow[..], &hopeless].concat(), puzzle_line(64));
    let rate = outcome.stderr.first().and_then(|line| {
        let (before, _) = line.split_once(" MH/s")?;
        before.rsplit_once(' ')?.1.parse::<f64>().ok()
    });
    let rate = rate.unwrap_or_else(|| panic!("{outcome:?}"));
    let seconds = format!("{}s", ((1_u64 << 33) as f64 / rate / 3e6).ceil());

    let server = FakeServer::start(|mut client| {
        client.answer_request(puzzle_line(33));
        client.rest_while_open()
    });
    let limits = ["--max-bits", "33", "--solve-timeout", &seconds];
    let mut running = start(client(&[&limits[..], &slow, &[server.address()]].concat()));
    let line = running.wait_for("33 bits take about ");
    let (_, chance) = line
        .split_once(" are allowed: the chance of a solution in time is ")
        .unwrap_or_else(|| panic!("{line:?}"));
    let chance = chance.strip_suffix(" %").and_then(|text| text.parse().ok());
    assert!(chance.is_some_and(|c: u8| (9..64).contains(&c)), "{line:?}");
    drop(running);
    assert_eq!(server.finish(), "");
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
    let patient = ["--verbose", "--retry", "0", server.address()];
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
    unpaid(&ENDLESS, two).assert_failed("the server sent something unexpected: \"2:1:40:");
}
