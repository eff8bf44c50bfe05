//! Guards connections from balancers: a PROXY protocol header says who the client is, for everything, and
//! without a good one nothing is said.

use std::net::{IpAddr, SocketAddr};

use powtcp_common::refusal::Refusal;
use powtcp_server::protocol::proxy_header::{Version, encode};

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::messages::{BAD_HEADER, PUZZLE_SENT};
use crate::support::page::Page;
use crate::support::server::{ServerProcess, command, field, outcome_of, serve};
use crate::support::solving::right_line;

/// The balancers are 127.0.0.1; clients of other addresses are plain.
const ACCEPT: [&str; 2] = ["--accept-proxy", "127.0.0.1"];

fn start(arguments: &[&str]) -> ServerProcess {
    serve(&[&ACCEPT, arguments].concat())
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Returns the header that a balancer sends for `client`.
fn header(version: Version, client: &str) -> Vec<u8> {
    let server = address("192.0.2.1:443");
    encode(version, address(client).into(), Some(server))
}

/// Connects a client of a balancer.
fn proxied(server: &ServerProcess, client: &str) -> Client {
    let mut connection = Client::connect(server.address());
    connection.send(header(Version::V2, client));
    connection
}

/// Returns the address in the RESOURCE of a puzzle.
fn resource(answer: &str) -> String {
    answer.split(':').nth(4).expect("a puzzle").to_string()
}

#[test]
fn a_header_of_either_version_names_the_client_in_the_puzzle_and_in_the_log() {
    let mut server = start(&[]);
    for version in [Version::V1, Version::V2] {
        for (client, spelled) in [
            ("203.0.113.7:5", "203.0.113.7/5"),
            ("[2001:db8::7]:5", "2001-db8--7/5"),
        ] {
            let mut connection = Client::connect(server.address());
            connection.send([&header(version, client)[..], b"1:\n"].concat());
            let puzzle = connection.line();
            assert_eq!(resource(&puzzle), spelled);
            assert_eq!(field(&server.wait_for(PUZZLE_SENT), "client"), client);
            assert_served(&connection.pay(&puzzle));
        }
    }
}

#[test]
fn a_stamp_is_good_for_the_client_and_not_for_the_balancer() {
    let server = start(&[]);
    let line = right_line(&proxied(&server, "203.0.113.7:5").puzzle());
    let mut other = proxied(&server, "203.0.113.8:5");
    other.send(&line);
    assert_eq!(other.rest(), [refusal(Refusal::StampNotFound)]);
    let mut same = proxied(&server, "203.0.113.7:6");
    same.send(&line);
    assert_served(&same.rest());
}

#[test]
fn a_header_may_come_in_any_pieces() {
    let server = start(&[]);
    for version in [Version::V1, Version::V2] {
        let mut connection = Client::connect(server.address());
        for byte in header(version, "203.0.113.7:5") {
            connection.send([byte]);
        }
        assert_eq!(resource(&connection.puzzle()), "203.0.113.7/5");
    }
}

#[test]
fn a_health_check_of_the_balancer_speaks_for_itself() {
    let server = start(&[]);
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x05extra";
    let unspecified = b"\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x00";
    for header in [&local[..], unspecified, b"PROXY UNKNOWN any text\r\n"] {
        let mut connection = Client::connect(server.address());
        connection.send(header);
        let own = connection.address().to_string().replace(':', "/");
        assert_eq!(resource(&connection.puzzle()), own);
    }
}

#[test]
fn without_a_good_header_a_balancer_is_told_nothing() {
    let mut server = start(&["--metrics", "127.0.0.1:0"]);
    let page = Page::of(&mut server);
    let mut flipped = header(Version::V2, "203.0.113.7:5");
    flipped[12] = 0x31;
    let too_long = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 107]].concat();
    let cases = [
        (b"1:\n".to_vec(), "no PROXY protocol header"),
        (flipped, "unknown version"),
        (too_long, "header too long"),
        (b"PROXY TCP4 1.2.3.4\r\n".to_vec(), "bad address"),
    ];
    let count = cases.len() as f64;
    for (bytes, reason) in cases {
        let mut connection = Client::connect(server.address());
        connection.send(bytes);
        assert_eq!(connection.bytes_to_end().unwrap_or_default(), b"");
        let line = server.wait_for(BAD_HEADER);
        assert!(line.contains(&format!("reason=\"{reason}\"")), "{line}");
        assert_eq!(field(&line, "client"), connection.address().to_string());
    }
    let unnamed = "powtcp_connections_total{outcome=\"unnamed\"}";
    assert_eq!(page.values()[unnamed], count);
}

#[test]
fn a_header_that_does_not_come_in_time_closes_the_connection() {
    let mut server = start(&[]);
    let mut silent = Client::connect(server.address());
    let mut slow = Client::connect(server.address());
    slow.send("PROXY TCP4");
    for connection in [&mut silent, &mut slow] {
        assert_eq!(connection.bytes_to_end().unwrap_or_default(), b"");
        let line = server.wait_for(BAD_HEADER);
        assert!(line.contains("header did not arrive in time"), "{line}");
    }
}

#[test]
fn a_stream_that_ends_before_the_header_is_logged() {
    let mut server = start(&[]);
    let mut connection = Client::connect(server.address());
    connection.finish_sending();
    assert_eq!(connection.bytes_to_end().expect("a FIN"), b"");
    let line = server.wait_for(BAD_HEADER);
    assert!(line.contains("stream ended before the header"), "{line}");
}

#[test]
fn a_header_from_another_network_is_no_message() {
    let server = start(&[]);
    let plain: IpAddr = "127.0.0.2".parse().unwrap();
    for version in [Version::V1, Version::V2] {
        let mut connection = Client::connect_from(plain, server.address());
        connection.send([&header(version, "203.0.113.7:5")[..], b"\n"].concat());
        assert_eq!(connection.line(), refusal(Refusal::IncorrectMessage));
    }
    Client::connect_from(plain, server.address()).handshake();
}

#[test]
fn limits_count_the_clients_and_not_the_balancer() {
    let server = start(&["--max-connections-per-ip", "1"]);
    let mut first = proxied(&server, "203.0.113.7:5");
    let puzzle = first.puzzle();
    let mut same = proxied(&server, "203.0.113.7:6");
    same.send("1:\n");
    assert_eq!(same.rest(), [refusal(Refusal::ServerBusy)]);
    let mut other = proxied(&server, "203.0.113.8:5");
    other.puzzle();
    assert_served(&first.pay(&puzzle));
    proxied(&server, "203.0.113.7:7").puzzle();
}

#[test]
fn connections_without_a_header_yet_give_way_to_those_with_a_client() {
    let server = start(&["--max-connections", "4"]);
    let mut waiting: Vec<_> = (0..4).map(|_| Client::connect(server.address())).collect();
    let mut clients: Vec<_> = (0..4)
        .map(|number| proxied(&server, &format!("203.0.113.{number}:5")))
        .collect();
    for connection in &mut waiting {
        assert_eq!(connection.rest(), [refusal(Refusal::ServerBusy)]);
    }
    for client in &mut clients {
        client.puzzle();
    }
}

#[test]
fn networks_of_the_whole_internet_are_accepted_with_a_warning_but_not_with_exemptions() {
    let whole = ["--check", "--accept-proxy", "0.0.0.0/0,::/0"];
    let outcome = outcome_of(command(&whole));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(
        outcome.stderr_text().contains("the whole internet"),
        "{outcome:?}"
    );
    let gate = ["--upstream", "127.0.0.1:22", "--exempt", "10.0.0.0/8"];
    let outcome = outcome_of(command(&[&whole[..], &gate].concat()));
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    assert!(outcome.stderr_text().contains("--exempt"), "{outcome:?}");
}

#[test]
fn wrong_networks_are_usage_errors_that_say_what_would_be_right() {
    for option in ["--accept-proxy", "--exempt"] {
        for (networks, part) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.0.0.0/33", "10.0.0.0/33"),
            ("10.0.0.0/8,", "comma"),
            ("example.org", "example.org"),
        ] {
            let gate = ["--check", "--upstream", "127.0.0.1:22"];
            let outcome = outcome_of(command(&[&gate[..], &[option, networks]].concat()));
            assert_eq!(outcome.status, Some(2), "{outcome:?}");
            let text = outcome.stderr_text();
            assert!(text.contains(option) && text.contains(part), "{text}");
        }
    }
}
