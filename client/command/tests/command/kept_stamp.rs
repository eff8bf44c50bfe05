//! A client that loses its connection with a puzzle or a stamp in hand: it keeps solving, and
//! presents the stamp on the next connection instead of a request.

use powtcp_common::hashcash::Difficulty;
use powtcp_common::refusal::Refusal::{
    self, PuzzleExpired, ServerBusy, ServiceUnavailable, ShuttingDown, StampNotFound,
};
use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client};
use crate::script::{BRIEF, ENDLESS, Script, refusal_line, refused};
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::program::outcome_of;
use crate::support::puzzles::puzzle_line;

/// Enough work for the client to look at the connection before it has a stamp.
const SLOW_BITS: u32 = 22;

/// Plays `scripts` in turn to a quiet client. Returns how the client ended, and the results.
#[track_caller]
fn played<const N: usize>(
    arguments: &[&str],
    scripts: [Script<String>; N],
) -> (Outcome, Vec<String>) {
    let server = FakeServer::start_in_turn(scripts);
    let arguments = [&["--quiet", server.address()], arguments].concat();
    let outcome = outcome_of(client(&arguments));
    let results = (0..N).map(|_| server.finish()).collect();
    server.assert_no_further_connection();
    (outcome, results)
}

/// Sends a puzzle, then `bytes`, and closes. Returns what the client still sent.
fn puzzle_then(bits: u32, bytes: impl Into<String>) -> Script<String> {
    let line = format!("{}{}", puzzle_line(bits), bytes.into());
    Box::new(move |mut client| {
        client.answer_request(line);
        client.rest()
    })
}

/// Takes the stamp of a puzzle, answers with `bytes`, and closes. Returns the line with the stamp.
fn stamp_then(bytes: impl Into<String>) -> Script<String> {
    let bytes = bytes.into();
    Box::new(move |mut client| {
        let line = client.take_stamp();
        client.end_with(bytes);
        line
    })
}

/// Reads the first line of a connection, answers with `bytes`, and closes. Returns the line.
fn first_line_then(bytes: impl Into<String>) -> Script<String> {
    let bytes = bytes.into();
    Box::new(move |mut client| {
        let line = client.line();
        assert_eq!(client.end_with(bytes), "", "the client sends one line");
        line
    })
}

/// Takes the stamp of a puzzle, and resets the connection: the socket is closed while it holds
/// unread bytes (RFC 2525, 2.17).
fn reset_with_stamp(mut client: Peer) -> String {
    client.answer_request(puzzle_line(8));
    client.wait_for_bytes();
    String::new()
}

/// Expects a message with a stamp that solves the puzzle of [`puzzle_line`].
#[track_caller]
fn assert_is_stamp(line: &str, bits: u32) {
    let puzzle = puzzle_line(bits);
    let prefix = puzzle
        .strip_prefix("2:")
        .and_then(|p| p.strip_suffix("MA==\n"));
    let stamp = line
        .strip_prefix("3:")
        .and_then(|line| line.strip_suffix('\n'));
    let (Some(prefix), Some(stamp)) = (prefix, stamp) else {
        panic!("{line:?}")
    };
    assert!(stamp.starts_with(prefix), "{stamp:?}");
    let difficulty = Difficulty::from_bits(bits).expect("a possible number of bits");
    assert!(difficulty.is_met_by(stamp.as_bytes()), "{stamp:?}");
}

#[test]
fn a_client_that_is_refused_while_solving_presents_its_stamp_on_a_new_connection() {
    for refusal in [ServerBusy, ShuttingDown, ServiceUnavailable] {
        let scripts = [
            puzzle_then(SLOW_BITS, refusal_line(refusal)),
            first_line_then("4:paid\n"),
        ];
        let (outcome, lines) = played(&[], scripts);
        outcome.assert_printed("paid");
        assert_eq!(lines[0], "", "no stamp for a server that has refused");
        assert_is_stamp(&lines[1], SLOW_BITS);
    }
}

/// Expects that a client whose connection ends by `end` keeps solving, and connects again afterwards.
#[track_caller]
fn assert_keeps_solving(end: fn(Peer)) {
    // A puzzle that takes about a second. The client checks its connection every 100 ms.
    let (bits, flags) = (24, ["--kernel", "portable", "--threads", "1", "--verbose"]);
    let cut: Script<String> = Box::new(move |mut client| {
        client.answer_request(puzzle_line(bits));
        end(client);
        String::new()
    });
    let server = FakeServer::start_in_turn([cut, first_line_then("4:paid\n")]);
    let outcome = outcome_of(client(&[&flags[..], &[server.address()]].concat()));
    outcome.assert_printed("paid");
    server.finish();
    assert_is_stamp(&server.finish(), bits);
    let steps = [
        "connected",
        "\"puzzle received\"",
        "\"trying again\"",
        "\"puzzle solved\"",
        "connected",
        "\"stamp sent\"",
        "\"resource received\"",
    ];
    assert_eq!(outcome.stderr.len(), steps.len(), "{outcome:?}");
    for (line, step) in outcome.stderr.iter().zip(steps) {
        assert!(line.contains(&format!(" msg={step} ")), "{line:?}");
    }
}

#[test]
fn solving_continues_after_the_connection_was_closed() {
    assert_keeps_solving(|client| assert_eq!(client.rest(), ""));
}

#[test]
fn solving_continues_after_the_connection_was_reset() {
    assert_keeps_solving(Peer::reset);
}

#[test]
fn a_client_without_an_answer_to_its_stamp_presents_it_again() {
    for end in [
        refusal_line(ServerBusy),
        refusal_line(ShuttingDown),
        String::new(),
    ] {
        let scripts = [stamp_then(end), first_line_then("4:paid\n")];
        let (outcome, lines) = played(&[], scripts);
        outcome.assert_printed("paid");
        assert_eq!(lines[0], lines[1]);
    }
}

#[test]
fn a_reset_after_the_stamp_was_sent_does_not_lose_the_stamp() {
    let scripts = [Box::new(reset_with_stamp), first_line_then("4:paid\n")];
    let (outcome, lines) = played(&[], scripts);
    outcome.assert_printed("paid");
    assert_is_stamp(&lines[1], 8);
}

#[test]
fn a_kept_stamp_survives_more_than_one_busy_connection() {
    let scripts = [
        puzzle_then(SLOW_BITS, refusal_line(ServerBusy)),
        first_line_then(refusal_line(ServerBusy)),
        first_line_then("4:paid\n"),
    ];
    let (outcome, lines) = played(&[], scripts);
    outcome.assert_printed("paid");
    assert_is_stamp(&lines[1], SLOW_BITS);
    assert_eq!(lines[1], lines[2]);
}

#[test]
fn a_kept_stamp_that_is_not_found_or_expired_leads_to_a_new_puzzle() {
    for refusal in [StampNotFound, PuzzleExpired] {
        let scripts = [
            stamp_then(refusal_line(ServerBusy)),
            first_line_then(refusal_line(refusal)),
            stamp_then("4:paid\n"),
        ];
        let (outcome, lines) = played(&[], scripts);
        outcome.assert_printed("paid");
        assert_eq!(lines[0], lines[1]);
    }
}

#[test]
fn a_new_puzzle_is_one_of_the_retries() {
    let scripts = [
        stamp_then(refusal_line(ServerBusy)),
        first_line_then(refusal_line(StampNotFound)),
    ];
    let (outcome, _) = played(&["--retry", "1"], scripts);
    outcome.assert_failed(&refused(StampNotFound));
}

#[test]
fn any_other_refusal_of_a_kept_stamp_is_final() {
    for refusal in Refusal::ALL {
        let leads_to_a_retry = [
            ServerBusy,
            ShuttingDown,
            ServiceUnavailable,
            StampNotFound,
            PuzzleExpired,
        ];
        if leads_to_a_retry.contains(&refusal) {
            continue;
        }
        let scripts = [
            stamp_then(refusal_line(ServerBusy)),
            first_line_then(refusal_line(refusal)),
        ];
        let (outcome, _) = played(&["--retry", "100"], scripts);
        outcome.assert_failed(&refused(refusal));
    }
}

#[test]
fn the_last_error_is_shown_when_all_retries_are_used() {
    let scripts = [
        stamp_then(refusal_line(ServerBusy)),
        first_line_then(refusal_line(ServerBusy)),
        first_line_then(refusal_line(ShuttingDown)),
    ];
    let (outcome, _) = played(&[], scripts);
    outcome.assert_failed(&refused(ShuttingDown));
}

#[test]
fn without_retries_a_lost_connection_is_final() {
    let endless = [&ENDLESS[..], &["--retry", "0"]].concat();
    let (outcome, rest) = played(&endless, [puzzle_then(40, refusal_line(ServerBusy))]);
    outcome.assert_failed(&refused(ServerBusy));
    assert_eq!(rest, [""]);

    let (outcome, _) = played(&["--retry", "0"], [stamp_then("")]);
    outcome.assert_failed("the server closed the connection and did not send a resource");
}

#[test]
fn the_time_to_solve_also_ends_without_a_connection() {
    let (outcome, _) = played(&BRIEF, [puzzle_then(64, "")]);
    outcome.assert_failed("no solution was found before --solve-timeout");
}

#[test]
fn a_resource_is_the_last_answer() {
    let (outcome, _) = played(
        &["--retry", "100"],
        [stamp_then("4:paid\n0:server is busy\n")],
    );
    outcome.assert_printed("paid");
}
