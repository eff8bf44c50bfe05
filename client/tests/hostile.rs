//! A server that says the wrong thing, too much, or nothing more: the client ends with one line
//! that tells why, and no byte of the server acts on the terminal.

mod support;

use support::fake_server::{FakeServer, Peer, serve_once};
use support::program::{Outcome, client, outcome_of};
use support::puzzles::{ENDLESS, endless_puzzle_line, puzzle_line};

/// What the client says when a server answers its request for a puzzle with `bytes`, and then waits.
fn answered(bytes: impl AsRef<[u8]> + Send + 'static) -> Outcome {
    let (outcome, rest) = serve_once(&[], |mut client| {
        client.answer_request(bytes);
        client.rest_while_open()
    });
    assert_eq!(rest, "", "nothing is paid to such a server");
    outcome
}

/// The same, where the answer to a stamp is `bytes`.
fn paid_and_answered(bytes: impl AsRef<[u8]> + Send + 'static) -> Outcome {
    let (outcome, ()) = serve_once(&[], |mut client| {
        pay(&mut client);
        client.send(bytes);
        client.rest_while_open();
    });
    outcome
}

/// The script of an honest server up to the stamp.
fn pay(client: &mut Peer) {
    client.answer_request(puzzle_line(8));
    assert!(client.line().starts_with("3:1:8:"));
}

#[test]
fn an_error_message_is_passed_on() {
    answered("0:server is busy\n").assert_failed("the server refused: server is busy");
    answered("0:internal error\r\n").assert_failed("the server refused: internal error");
    paid_and_answered("0:hashcash header not correct\n")
        .assert_failed("the server refused: hashcash header not correct");
}

#[test]
fn an_error_message_that_came_before_the_stamp_is_passed_on() {
    let both = format!("{}0:server is shutting down\n", puzzle_line(8));
    let (outcome, _) = serve_once(&[], |mut client| {
        client.answer_request(both);
        client.rest()
    });
    outcome.assert_failed("the server refused: server is shutting down");
}

#[test]
fn an_error_message_is_passed_on_even_if_nobody_reads_the_request() {
    let (outcome, ()) = serve_once(&[], |mut client| client.send("0:server is busy\n"));
    outcome.assert_failed("the server refused: server is busy");
}

#[test]
fn a_server_that_closes_early_is_told_of_at_each_stage() {
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
fn a_line_that_the_server_does_not_end_is_no_message() {
    for (line, stage) in [("2:1:8:26", "a puzzle"), ("0:server is bu", "a puzzle")] {
        let (outcome, _) = serve_once(&[], move |mut client| {
            client.answer_request(line);
            client.rest()
        });
        outcome.assert_failed(&format!("did not send {stage}"));
    }
    let (outcome, _) = serve_once(&[], |mut client| {
        pay(&mut client);
        client.send("4:Don't Pan");
        client.rest()
    });
    outcome.assert_failed("did not send a resource");
}

#[test]
fn a_server_that_breaks_the_connection_is_told_of() {
    // A socket that is closed while it holds bytes that nobody read sends an RST.
    let (outcome, ()) = serve_once(&[], |client| client.wait_for_bytes());
    outcome.assert_failed("the connection broke: ");
}

#[test]
fn a_line_longer_than_any_message_is_not_read_to_its_end() {
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
fn anything_but_a_puzzle_is_no_answer_to_a_request() {
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
        let told = format!("the server sent something unexpected: \"{line}\"");
        answered(format!("{line}\n")).assert_failed(&told);
    }
}

#[test]
fn anything_but_a_resource_is_no_answer_to_a_stamp() {
    let puzzle = puzzle_line(8);
    for line in [puzzle.trim_end(), "1:", "3:", "4", "", "44:"] {
        let told = format!("the server sent something unexpected: \"{line}\"");
        paid_and_answered(format!("{line}\n")).assert_failed(&told);
    }
}

/// Bytes that act on a terminal: cleared screens, titles, colours, bells, backspaces, C1 controls,
/// writing direction, and what is not UTF-8.
const NASTY: &[u8] =
    b"\x1b[2J\x1b]0;title\x07\x9b31m\xc2\x9b\x08\r\0\x7f\xe2\x80\xae\xe2\x80\xa8\xff";
const HARMLESS: &str = r"\x1b[2J\x1b]0;title\x07\x9b31m\u{9b}\x08\r\x00\x7f\u{202e}\u{2028}\xff";

#[test]
fn what_a_server_says_cannot_act_on_a_terminal() {
    let refusal = [b"0:", NASTY, b".\n"].concat();
    answered(refusal.clone()).assert_failed(HARMLESS);
    paid_and_answered(refusal).assert_failed(HARMLESS);
    answered([NASTY, b".\n"].concat()).assert_failed(HARMLESS);
}

#[test]
fn what_a_server_sends_cannot_act_on_a_terminal_through_the_log() {
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
fn a_long_text_of_a_server_is_cut() {
    let outcome = answered(format!("0:{}\n", "x".repeat(60_000)));
    outcome.assert_failed("the server refused: xxxxxxxx");
    assert!(outcome.stderr[0].len() < 300);
}
