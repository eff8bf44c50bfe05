//! Guards which refusals the fail2ban filter counts, for every refusal and every kind of address, in
//! lines as the server writes them.

use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::{Format, Level, Value, write_line};
use powtcp_common::refusal::Refusal;

use crate::support::fail2ban::{forgeries, found, output};
use crate::support::messages::{CLOSED, PUZZLE_SENT, REFUSED};

/// The time of all lines: 2026-11-22T10:59:47Z.
const TIME: Duration = Duration::from_secs(1_795_345_187);

/// Returns whether the filter counts a refusal in `mode`.
fn is_counted(refusal: Refusal, mode: &str) -> bool {
    match refusal {
        Refusal::TooManyPuzzles
        | Refusal::StampNotCorrect
        | Refusal::StampNotFound
        | Refusal::TimeoutExceeded
        | Refusal::IncorrectMessage
        | Refusal::MessageTooLong => true,
        Refusal::PuzzleExpired => mode == "aggressive",
        Refusal::ServerBusy
        | Refusal::ShuttingDown
        | Refusal::ServiceUnavailable
        | Refusal::InternalError => false,
    }
}

#[test]
fn refusals_are_counted_by_their_reason_for_all_addresses_and_lines() {
    let addresses = [
        "203.0.113.255:65535",
        "[2001:db8::1]:123",
        "[2001:db8::]:1",
        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
        "[64:ff9b::192.0.2.1]:80",
        "[::ffff:198.51.100.7]:80",
    ];
    let addresses = addresses.map(|address| {
        let address: SocketAddr = address.parse().unwrap();
        ClientAddr::from(address)
    });
    let forgeries: Vec<String> = forgeries().collect();
    for mode in ["normal", "aggressive"] {
        let mut log = Vec::new();
        let mut expected = Vec::new();
        for refusal in Refusal::ALL {
            for address in addresses {
                for message in [REFUSED, CLOSED] {
                    let line = forgeries[log.len() % forgeries.len()].as_bytes();
                    log.push(log_line(message, address, refusal, line));
                    if message == REFUSED && is_counted(refusal, mode) {
                        expected.push(address.ip().to_string());
                    }
                }
            }
        }
        if let Some(found) = found(&log, mode) {
            assert_eq!(found, expected, "{mode}: {log:#?}");
        }
    }
}

/// Returns a line as the server writes it.
fn log_line(message: &str, client: ClientAddr, refusal: Refusal, peer: &[u8]) -> String {
    let mut line = String::new();
    let client = client.to_string();
    let fields = [
        ("client", Value::Text(&client)),
        ("reason", Value::Text(refusal.text())),
        ("line", Value::Peer(peer)),
    ];
    write_line(&mut line, Format::Text, TIME, Level::Info, message, &fields);
    line.trim_end_matches('\n').to_string()
}

#[test]
fn the_filter_is_anchored_and_does_not_rely_on_escaping() {
    let start = format!(
        "time=2026-11-22T10:59:47.837Z level=INFO msg=\"{PUZZLE_SENT}\" client=127.0.0.1:1"
    );
    let mut log: Vec<String> = forgeries()
        .map(|forgery| format!("{start} puzzle={forgery}"))
        .collect();
    let relay = start.replace(PUZZLE_SENT, "relay ended");
    let error = "error=\"Connection refused (os error 111)\"";
    log.push(format!("{relay} ending=\"upstream refused\" {error}"));
    if let Some(found) = found(&log, "aggressive") {
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn the_time_of_a_line_is_utc() {
    let client: SocketAddr = "[2001:db8::1]:5".parse().unwrap();
    let refusal = Refusal::MessageTooLong;
    let line = log_line(REFUSED, client.into(), refusal, b"");
    if let Some(row) = output("row", &format!("{line}\n"), "normal") {
        let time = TIME.as_secs().to_string();
        assert!(row.contains("2001:db8::1") && row.contains(&time), "{row}");
    }
}
