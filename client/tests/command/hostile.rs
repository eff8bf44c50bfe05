//! A server that sends a wrong message, too many bytes, or only a part: the client ends with one line
//! that says why, and nothing that the server sends can act on the terminal.

use powtcp_common::refusal::Refusal;

use crate::client::{
    ENDLESS, ExpectClient, client, endless_puzzle_line, serve_once, wait_for_bytes,
};
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::program::{Outcome, outcome_of};
use crate::support::puzzles::puzzle_line;

/// Returns the outcome of a client whose request for a puzzle is answered with `bytes`, by a server that
/// then waits.
fn answered(bytes: impl AsRef<[u8]> + Send + 'static) -> Outcome {
    let (outcome, rest) = serve_once(&[], |mut client| {
        client.answer_request(bytes);
        client.rest_while_open()
    });
    assert_eq!(rest, "", "no stamp is sent");
    outcome
}

/// Returns the outcome of a client whose stamp is answered with `bytes`.
fn paid_and_answered(bytes: impl AsRef<[u8]> + Send + 'static) -> Outcome {
    let (outcome, ()) = serve_once(&[], |mut client| {
        pay(&mut client);
        client.send(bytes);
        client.rest_while_open();
    });
    outcome
}

/// Plays an honest server up to the stamp.
fn pay(client: &mut Peer) {
    client.answer_request(puzzle_line(8));
    assert!(client.line().starts_with("3:1:8:"));
}

#[test]
fn an_error_message_is_passed_on() {
    for refusal in Refusal::ALL {
        let reason = format!("the server refused: {refusal}");
        answered(format!("0:{refusal}\n")).assert_failed(&reason);
        answered(format!("0:{refusal}\r\n")).assert_failed(&reason);
        paid_and_answered(format!("0:{refusal}\n")).assert_failed(&reason);
    }
}

#[test]
fn an_error_message_that_arrives_before_the_stamp_is_sent_is_passed_on() {
    let refusal = Refusal::ShuttingDown;
    let both = format!("{}0:{refusal}\n", puzzle_line(8));
    let (outcome, _) = serve_once(&[], |mut client| {
        client.answer_request(both);
        client.rest()
    });
    outcome.assert_failed(&format!("the server refused: {refusal}"));
}

#[test]
fn an_error_message_is_passed_on_if_the_server_never_reads_the_request() {
    let busy = Refusal::ServerBusy;
    let (outcome, ()) = serve_once(&[], move |mut client| client.send(format!("0:{busy}\n")));
    outcome.assert_failed(&format!("the server refused: {busy}"));
}

#[test]
fn an_early_close_is_reported_at_each_stage() {
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
        pay(&mut client);
        client.rest()
    });
    outcome.assert_failed("the server closed the connection and did not send a resource");
}

#[test]
fn a_line_without_its_newline_is_not_a_message() {
    for line in ["2:1:8:26", "0:server is bu"] {
        let (outcome, _) = serve_once(&[], move |mut client| {
            client.answer_request(line);
            client.rest()
        });
        outcome.assert_failed("did not send a puzzle");
    }
    let (outcome, _) = serve_once(&[], |mut client| {
        pay(&mut client);
        client.send("4:Don't Pan");
        client.rest()
    });
    outcome.assert_failed("did not send a resource");
}

#[test]
fn a_broken_connection_is_reported() {
    // A socket that is closed while it holds unread bytes sends an RST.
    let (outcome, ()) = serve_once(&[], |client| wait_for_bytes(&client));
    outcome.assert_failed("the connection broke: ");
}

#[test]
fn a_line_longer_than_any_message_ends_the_client_before_its_end() {
    for start in ["", "2:", "0:"] {
        let (outcome, ()) = serve_once(&[], move |mut client| {
            client.answer_request(start);
            while client.try_send([b'x'; 4096]).is_ok() {}
        });
        outcome.assert_failed("the server sent a line that is too long");
    }
    let (outcome, ()) = serve_once(&[], |mut client| {
        pay(&mut client);
        client.send("4:");
        while client.try_send([b'x'; 4096]).is_ok() {}
    });
    outcome.assert_failed("the server sent a line that is too long");
}

#[test]
fn a_line_of_one_byte_more_than_the_limit_is_too_long() {
    let line = [b"4:", "x".repeat(65_536 - 2).as_bytes(), b"\n"].concat();
    paid_and_answered(line).assert_failed("the server sent a line that is too long");
}

#[test]
fn a_request_must_be_answered_with_a_puzzle() {
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
fn a_stamp_must_be_answered_with_a_resource() {
    let puzzle = puzzle_line(8);
    for line in [puzzle.trim_end(), "1:", "3:", "4", "", "44:"] {
        let reason = format!("the server sent something unexpected: \"{line}\"");
        paid_and_answered(format!("{line}\n")).assert_failed(&reason);
    }
}

/// Bytes that act on a terminal: they clear the screen, set a title or a colour, ring the bell, delete
/// backwards, or change the writing direction; C1 controls and bytes that are not UTF-8.
const NASTY: &[u8] =
    b"\x1b[2J\x1b]0;title\x07\x9b31m\xc2\x9b\x08\r\0\x7f\xe2\x80\xae\xe2\x80\xa8\xff";
const HARMLESS: &str = r"\x1b[2J\x1b]0;title\x07\x9b31m\u{9b}\x08\r\x00\x7f\u{202e}\u{2028}\xff";

#[test]
fn an_error_text_cannot_act_on_a_terminal() {
    let refusal = [b"0:", NASTY, b".\n"].concat();
    answered(refusal.clone()).assert_failed(HARMLESS);
    paid_and_answered(refusal).assert_failed(HARMLESS);
    answered([NASTY, b".\n"].concat()).assert_failed(HARMLESS);
}

#[test]
fn a_log_line_cannot_act_on_a_terminal() {
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
fn a_long_error_text_is_cut() {
    let outcome = answered(format!("0:{}\n", "x".repeat(60_000)));
    outcome.assert_failed("the server refused: xxxxxxxx");
    assert!(outcome.stderr[0].len() < 300);
}
