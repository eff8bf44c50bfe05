//! Guards what a peer can do to the log: its bytes stay inside their value, and a flood of connections
//! writes few lines and one that says how many were left out.

mod support;

use support::client::Client;
use support::server_process::{ServerProcess, field};

/// Bytes that would like to be fields, lines or colours of their own.
const HOSTILE: &[u8] =
    b"9:\" client=1.2.3.4 level=ERROR \\\" \x1b[31m\r\x00\xff\xe2\x80\xae \xc3\xa9 end\n";

/// The log line about a client that sent `bytes`, and the client's address.
fn refusal_of(bytes: &[u8], format: &str) -> (String, String) {
    let mut server = ServerProcess::start(&["--log-format", format]);
    let mut client = Client::connect(server.address());
    client.send(bytes);
    assert_eq!(client.rest(), ["0:incorrect message format"]);
    (server.wait_for("refused"), client.address().to_string())
}

#[test]
fn bytes_of_a_peer_stay_inside_their_value_in_text() {
    let (line, client) = refusal_of(HOSTILE, "text");
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.starts_with("time=2") && time.ends_with('Z'), "{time}");
    let escaped = r#""9:\" client=1.2.3.4 level=ERROR \\\" \x1b[31m\r\x00\xff\u{202e} é end""#;
    let expected = format!(
        "level=INFO msg=\"connection refused\" client={client} \
         reason=\"incorrect message format\" line={escaped}"
    );
    assert_eq!(rest, expected);
}

#[test]
fn bytes_of_a_peer_stay_inside_their_value_in_json() {
    let (line, client) = refusal_of(HOSTILE, "json");
    let (_, rest) = line.split_once(",\"level\"").unwrap();
    let start = format!(
        ":\"INFO\",\"msg\":\"connection refused\",\"client\":\"{client}\",\
         \"reason\":\"incorrect message format\",\"line\":\"9:\\\" client=1.2.3.4"
    );
    assert!(line.starts_with("{\"time\":\"2"), "{line}");
    assert!(rest.starts_with(&start), "{rest}");
    assert!(rest.ends_with(" é end\"}"), "{rest}");
    assert!(!line.chars().any(char::is_control), "{line:?}");
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
fn a_handshake_is_told_in_two_lines() {
    let mut server = ServerProcess::start(&[]);
    let mut client = Client::connect(server.address());
    let address = client.address().to_string();
    let puzzle = client.puzzle();
    client.pay(&puzzle);
    let sent = server.wait_for("msg=\"puzzle sent\"");
    assert_eq!(field(&sent, "client"), address);
    assert!(sent.contains(&puzzle["2:".len()..]), "{sent}");
    let paid = server.wait_for("msg=\"resource sent\"");
    assert_eq!(field(&paid, "client"), address);
    assert_eq!(server.log().len(), 3, "{:#?}", server.log());
}

#[test]
fn a_flood_of_lines_is_cut_and_summed_up_in_one_line() {
    const PUZZLES: usize = 300;
    let server = ServerProcess::start(&["--max-puzzles", "300"]);
    let mut client = Client::connect(server.address());
    client.send("1:\n".repeat(PUZZLES));
    for _ in 0..PUZZLES {
        assert!(client.line().starts_with("2:"));
    }
    client.reset();
    // The end of the server sums up what the interval would have.
    let log = server.stop().log;
    let count = |part: &str| log.iter().filter(|line| line.contains(part)).count();
    let written = count("puzzle sent");
    assert!((40..100).contains(&written), "{written} lines written");
    assert_eq!(count("left out"), 1, "{log:#?}");
    let left_out = format!(
        " msg=\"log lines left out\" puzzle_sent={}",
        PUZZLES - written
    );
    assert_eq!(count(&left_out), 1, "{log:#?}");
}

#[test]
fn a_flood_of_one_kind_of_line_hides_no_other() {
    let server = ServerProcess::start(&[]);
    for _ in 0..300 {
        let mut client = Client::connect(server.address());
        client.send("9:\n");
        client.rest();
    }
    Client::connect(server.address()).handshake();
    let log = server.stop().log;
    let count = |part: &str| log.iter().filter(|line| line.contains(part)).count();
    assert!(count("connection refused") < 100, "{log:#?}");
    assert_eq!(count("puzzle sent"), 1, "{log:#?}");
    assert_eq!(count("resource sent"), 1, "{log:#?}");
    assert_eq!(count("left out\" incorrect_message="), 1, "{log:#?}");
}

#[test]
fn graver_levels_leave_out_what_is_less_grave() {
    let server = ServerProcess::start(&["--log-format", "json"]);
    Client::connect(server.address()).handshake();
    let log = server.stop().log;
    assert!(
        log.iter().all(|line| line.contains("\"level\":\"INFO\"")),
        "{log:#?}"
    );

    let server = ServerProcess::start(&["--log-level", "debug"]);
    Client::connect(server.address()).handshake();
    let log = server.stop().log;
    let debug = log
        .iter()
        .filter(|line| line.contains(" level=DEBUG "))
        .count();
    assert_eq!(debug, 2, "accepted and closed: {log:#?}");
}
