//! A server that sends a wrong message, too much, or nothing more: the client prints one line that says
//! why it ends, and no byte of the server acts on the terminal.

use powtcp_common::refusal::Refusal;
use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client, serve_once};
use crate::script::{ENDLESS, endless_puzzle_line, refusal_line, refused};
use crate::support::fake_server::FakeServer;
use crate::support::program::outcome_of;
use crate::support::puzzles::puzzle_line;

/// Returns how the client ends when a server answers its request for a puzzle with `bytes`, and then
/// waits.
fn answered(bytes: impl AsRef<[u8]> + Send + 'static) -> Outcome {
    let (outcome, rest) = serve_once(&[], |mut client| {
        client.answer_request(bytes);
        client.rest_while_open()
    });
    assert_eq!(rest, "", "such a server gets no stamp");
    outcome
}

/// Returns how the client ends when a server answers its stamp with `bytes`, and then waits.
fn paid_and_answered(bytes: impl AsRef<[u8]> + Send + 'static) -> Outcome {
    let (outcome, ()) = serve_once(&[], |mut client| {
        client.take_stamp();
        client.send(bytes);
        client.rest_while_open();
    });
    outcome
}

#[test]
fn an_error_message_is_shown() {
    for refusal in Refusal::ALL {
        answered(refusal_line(refusal)).assert_failed(&refused(refusal));
        answered(format!("0:{refusal}\r\n")).assert_failed(&refused(refusal));
        paid_and_answered(refusal_line(refusal)).assert_failed(&refused(refusal));
    }
}

#[test]
fn an_error_message_that_arrived_before_the_stamp_was_sent_is_shown() {
    let both = puzzle_line(8) + &refusal_line(Refusal::ShuttingDown);
    let (outcome, _) = serve_once(&[], |mut client| {
        client.answer_request(both);
        client.rest()
    });
    outcome.assert_failed(&refused(Refusal::ShuttingDown));
}

#[test]
fn an_error_message_of_a_server_that_reads_nothing_is_shown() {
    let line = refusal_line(Refusal::ServerBusy);
    let (outcome, ()) = serve_once(&[], |mut client| client.send(line));
    outcome.assert_failed(&refused(Refusal::ServerBusy));
}

#[test]
fn a_server_that_closes_early_is_reported_at_each_stage() {
    let (outcome, _) = serve_once(&[], |mut client| {
        assert_eq!(client.line(), "1:\n");
        client.rest()
    });
    outcome.assert_failed("the server closed the connection and did not send a puzzle");

    let (outcome, rest) = serve_once(&ENDLESS, |mut client| {
        client.answer_request(endless_puzzle_line());
        client.rest()
    });
    outcome.assert_failed("the server closed the connection and did not wait");
    assert_eq!(rest, "");

    let (outcome, _) = serve_once(&[], |mut client| {
        client.take_stamp();
        client.rest()
    });
    outcome.assert_failed("the server closed the connection and did not send a resource");
}

#[test]
fn a_line_without_an_end_is_not_a_message() {
    for (line, stage) in [("2:1:8:26", "a puzzle"), ("0:server is bu", "a puzzle")] {
        let (outcome, _) = serve_once(&[], move |mut client| {
            client.answer_request(line);
            client.rest()
        });
        outcome.assert_failed(&format!("did not send {stage}"));
    }
    let (outcome, _) = serve_once(&[], |mut client| {
        client.take_stamp();
        client.send("4:Don't Pan");
        client.rest()
    });
    outcome.assert_failed("did not send a resource");
}

#[test]
fn a_reset_connection_is_reported() {
    // A socket that is closed while it holds unread bytes sends an RST (RFC 2525, 2.17).
    let (outcome, ()) = serve_once(&[], |client| client.wait_for_bytes());
    outcome.assert_failed("the connection broke: ");
}

#[test]
fn a_line_that_is_longer_than_any_message_is_not_read_to_its_end() {
    for start in ["", "2:", "0:"] {
        let (outcome, ()) = serve_once(&[], move |mut client| {
            client.answer_request(start);
            while client.try_send([b'x'; 4096]).is_ok() {}
        });
        outcome.assert_failed("the server sent a line that is too long");
    }
    let (outcome, ()) = serve_once(&[], |mut client| {
        client.take_stamp();
        client.send("4:");
        while client.try_send([b'x'; 4096]).is_ok() {}
    });
    outcome.assert_failed("the server sent a line that is too long");
}

#[test]
fn a_line_of_one_byte_above_the_limit_is_too_long() {
    let line = [b"4:", "x".repeat(65_536 - 2).as_bytes(), b"\n"].concat();
    paid_and_answered(line).assert_failed("the server sent a line that is too long");
}

#[test]
fn a_message_other_than_a_puzzle_is_no_answer_to_a_request() {
    for line in [
        "4:for nothing",
        "1:",
        "3:1:8:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==",
        "5:",
        "2",
        "22:1:8:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==",
        ":",
        "",
        "HTTP/1.1 400 Bad Request",
        "SSH-2.0-OpenSSH_10.0",
    ] {
        let reason = format!("the server sent something unexpected: \"{line}\"");
        answered(format!("{line}\n")).assert_failed(&reason);
    }
}

#[test]
fn a_message_other_than_a_resource_is_no_answer_to_a_stamp() {
    let puzzle = puzzle_line(8);
    for line in [puzzle.trim_end(), "1:", "3:", "4", "", "44:"] {
        let reason = format!("the server sent something unexpected: \"{line}\"");
        paid_and_answered(format!("{line}\n")).assert_failed(&reason);
    }
}

/// Bytes that act on a terminal: they clear the screen, set titles and colours, ring the bell, erase
/// characters or change the direction of writing. Some are C1 controls, some are not UTF-8.
const NASTY: &[u8] =
    b"\x1b[2J\x1b]0;title\x07\x9b31m\xc2\x9b\x08\r\0\x7f\xe2\x80\xae\xe2\x80\xa8\xff";
/// The same bytes, as the client shows them.
const HARMLESS: &str = r"\x1b[2J\x1b]0;title\x07\x9b31m\u{9b}\x08\r\x00\x7f\u{202e}\u{2028}\xff";

#[test]
fn an_error_message_cannot_act_on_a_terminal() {
    let refusal = [b"0:", NASTY, b".\n"].concat();
    answered(refusal.clone()).assert_failed(HARMLESS);
    paid_and_answered(refusal).assert_failed(HARMLESS);
    answered([NASTY, b".\n"].concat()).assert_failed(HARMLESS);
}

#[test]
fn a_puzzle_cannot_act_on_a_terminal_through_the_log() {
    let server = FakeServer::start(|mut client| {
        let puzzle = [b"2:1:8:261122105400:", NASTY, b"::YWJj:MA==\n"].concat();
        client.answer_request(puzzle);
        client.line();
        client.send([b"4:", NASTY, b".\n"].concat());
        client.rest()
    });
    let outcome = outcome_of(client(&["--verbose", server.address()]));
    server.finish();
    outcome.assert_printed([NASTY, b"."].concat());
    let shown = outcome.stderr.iter().filter(|line| line.contains(HARMLESS));
    assert_eq!(shown.count(), 2, "the puzzle and its stamp: {outcome:?}");
    let nasty = |line: &&String| line.chars().any(|c| c.is_control() || c == '\u{202e}');
    assert_eq!(outcome.stderr.iter().find(nasty), None);
}

#[test]
fn a_long_error_message_is_cut() {
    let outcome = answered(format!("0:{}\n", "x".repeat(60_000)));
    outcome.assert_failed("the server refused: xxxxxxxx");
    assert!(outcome.stderr[0].len() < 300);
}
