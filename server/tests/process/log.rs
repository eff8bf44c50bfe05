//! Guards the log against peers: their bytes stay inside a value, and a flood of connections writes few
//! lines and one that says how many are suppressed.

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::messages::{PUZZLE_SENT, REFUSED, RESOURCE_SENT, SUPPRESSED};
use crate::support::server::{field, serve};

/// Bytes that try to look like fields, lines or colours.
const HOSTILE: &[u8] =
    b"9:\" client=1.2.3.4 level=ERROR \\\" \x1b[31m\r\x00\xff\xe2\x80\xae \xc3\xa9 end\n";

/// Returns the log line about a client that sends `bytes`, and the client's address.
fn refusal_of(bytes: &[u8], format: &str) -> (String, String) {
    let mut server = serve(&["--log-format", format]);
    let mut client = Client::connect(server.address());
    client.send(bytes);
    assert_eq!(client.rest(), [refusal(Refusal::IncorrectMessage)]);
    (server.wait_for(REFUSED), client.address().to_string())
}

#[test]
fn bytes_of_a_peer_stay_inside_their_value_in_text() {
    let (line, client) = refusal_of(HOSTILE, "text");
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.starts_with("time=2") && time.ends_with('Z'), "{time}");
    let escaped = r#""9:\" client=1.2.3.4 level=ERROR \\\" \x1b[31m\r\x00\xff\u{202e} é end""#;
    let reason = Refusal::IncorrectMessage.text();
    let expected =
        format!("level=INFO msg=\"{REFUSED}\" client={client} reason=\"{reason}\" line={escaped}");
    assert_eq!(rest, expected);
}

#[test]
fn bytes_of_a_peer_stay_inside_their_value_in_json() {
    let (line, client) = refusal_of(HOSTILE, "json");
    let (_, rest) = line.split_once(",\"level\"").unwrap();
    let start = format!(
        ":\"INFO\",\"msg\":\"{REFUSED}\",\"client\":\"{client}\",\
         \"reason\":\"{}\",\"line\":\"9:\\\" client=1.2.3.4",
        Refusal::IncorrectMessage.text()
    );
    assert!(line.starts_with("{\"time\":\"2"), "{line}");
    assert!(rest.starts_with(&start), "{rest}");
    assert!(rest.ends_with(" é end\"}"), "{rest}");
    assert!(!line.chars().any(char::is_control), "{line:?}");
}

#[test]
fn invisible_characters_of_a_peer_are_escaped_in_both_formats() {
    let hostile = "9:\u{61c}\u{ad}\u{180e}\u{fff9}\u{e0041}\u{fe0f}\n".as_bytes();
    let (line, _) = refusal_of(hostile, "text");
    let escaped = r#""9:\u{61c}\u{ad}\u{180e}\u{fff9}\u{e0041}\u{fe0f}""#;
    assert!(line.ends_with(escaped), "{line:?}");
    let (line, _) = refusal_of(hostile, "json");
    let escaped = r#""9:\u061c\u00ad\u180e\ufff9\udb40\udc41\ufe0f"}"#;
    assert!(line.ends_with(escaped), "{line:?}");
}

#[test]
fn a_long_line_of_a_peer_is_cut() {
    let long = ["9:".as_bytes(), &[b'x'; 500], b"\n"].concat();
    let (line, _) = refusal_of(&long, "text");
    let shown = line.matches('x').count();
    assert!((100..200).contains(&shown), "{line}");
    assert!(line.ends_with("…\""), "{line}");
}

#[test]
fn a_handshake_is_logged_in_two_lines() {
    let mut server = serve(&[]);
    let mut client = Client::connect(server.address());
    let address = client.address().to_string();
    let puzzle = client.puzzle();
    client.pay(&puzzle);
    let sent = server.wait_for(PUZZLE_SENT);
    assert_eq!(field(&sent, "client"), address);
    assert!(sent.contains(&puzzle["2:".len()..]), "{sent}");
    let paid = server.wait_for(RESOURCE_SENT);
    assert_eq!(field(&paid, "client"), address);
    assert_eq!(server.log().len(), 3, "{:#?}", server.log());
}

#[test]
fn a_flood_of_lines_is_limited_and_summed_up_in_one_line() {
    const PUZZLES: usize = 300;
    let server = serve(&["--max-puzzles", "300"]);
    let mut client = Client::connect(server.address());
    client.send("1:\n".repeat(PUZZLES));
    for _ in 0..PUZZLES {
        assert!(client.line().starts_with("2:"));
    }
    client.reset();
    // The server writes the summary when it ends, before the interval is over.
    let log = server.stop().unwrap().stderr;
    let count = |part: &str| log.iter().filter(|line| line.contains(part)).count();
    let written = count(PUZZLE_SENT);
    assert!((40..100).contains(&written), "{written} lines written");
    assert_eq!(count(SUPPRESSED), 1, "{log:#?}");
    let summary = format!(" msg=\"{SUPPRESSED}\" puzzle_sent={}", PUZZLES - written);
    assert_eq!(count(&summary), 1, "{log:#?}");
}

#[test]
fn a_flood_of_one_kind_of_line_hides_no_other() {
    let server = serve(&[]);
    for _ in 0..300 {
        let mut client = Client::connect(server.address());
        client.send("9:\n");
        client.rest();
    }
    Client::connect(server.address()).handshake();
    let log = server.stop().unwrap().stderr;
    let count = |part: &str| log.iter().filter(|line| line.contains(part)).count();
    assert!(count(REFUSED) < 100, "{log:#?}");
    assert_eq!(count(PUZZLE_SENT), 1, "{log:#?}");
    assert_eq!(count(RESOURCE_SENT), 1, "{log:#?}");
    let summary = format!(
        " msg=\"{SUPPRESSED}\" {}=",
        Refusal::IncorrectMessage.name()
    );
    assert_eq!(count(&summary), 1, "{log:#?}");
}

#[test]
fn a_level_suppresses_the_less_severe_ones() {
    let server = serve(&["--log-format", "json"]);
    Client::connect(server.address()).handshake();
    let log = server.stop().unwrap().stderr;
    assert!(
        log.iter().all(|line| line.contains("\"level\":\"INFO\"")),
        "{log:#?}"
    );

    let server = serve(&["--log-level", "debug"]);
    Client::connect(server.address()).handshake();
    let log = server.stop().unwrap().stderr;
    let debug = log
        .iter()
        .filter(|line| line.contains(" level=DEBUG "))
        .count();
    assert_eq!(debug, 2, "accepted and closed: {log:#?}");
}
