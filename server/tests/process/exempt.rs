//! Guards clients that are exempt from the proof of work: they are relayed from their first byte, and are
//! reset where there is no place for them.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpStream};

use powtcp_server::protocol::proxy_header::{Version, encode};

use crate::support::client::Client;
use crate::support::gate::{CONNECTED, Gate, bytes, expect_reset, paid, to_end};
use crate::support::messages::EXEMPT_RESET;
use crate::support::server::{command, outcome_of};

const EXEMPT: [&str; 2] = ["--exempt", "127.0.0.9"];

fn gate(arguments: &[&str]) -> Gate {
    Gate::new(&[&EXEMPT, arguments].concat())
}

fn exempt(gate: &Gate) -> Client {
    let source: IpAddr = "127.0.0.9".parse().expect("an address");
    Client::connect_from(source, gate.server.address())
}

/// Expects a connection to be reset.
fn reset_of(mut client: Client) {
    assert!(client.bytes_to_end().is_err());
}

#[test]
fn an_exempt_client_is_relayed_from_its_first_byte() {
    let mut gate = gate(&[]);
    let mut client = exempt(&gate);
    client.send("1:\n");
    let mut upstream = gate.accept();
    assert_eq!(bytes(&mut upstream, 3), b"1:\n");
    upstream.write_all(b"answer").unwrap();
    assert_eq!(client.bytes(6), b"answer");
    client.finish_sending();
    assert_eq!(to_end(&mut upstream), b"");
    drop(upstream);
    assert_eq!(client.bytes_to_end().unwrap(), b"");
    let line = gate.server.wait_for("relay ended");
    assert!(
        line.contains("exempt=true") && line.contains("client=127.0.0.9:"),
        "{line}"
    );
    assert!(line.contains("bytes_up=3 bytes_down=6"), "{line}");
}

#[test]
fn an_upstream_that_speaks_first_is_heard() {
    let gate = gate(&[]);
    let mut client = exempt(&gate);
    gate.accept().write_all(b"220 hello\r\n").unwrap();
    assert_eq!(client.bytes(11), b"220 hello\r\n");
}

#[test]
fn other_clients_still_pay() {
    let mut gate = gate(&[]);
    let (client, upstream) = gate.relay();
    drop((client, upstream));
    assert!(!gate.server.wait_for("relay ended").contains("exempt"));
}

#[test]
fn an_exempt_client_without_a_place_is_reset() {
    let mut gate = gate(&["--max-relays", "1"]);
    let first = exempt(&gate);
    let upstream = gate.accept();
    reset_of(exempt(&gate));
    let line = gate.server.wait_for(EXEMPT_RESET);
    assert!(line.contains("all relays are in use"), "{line}");
    drop((first, upstream));
    gate.server.wait_for("relay ended");
    let mut again = exempt(&gate);
    gate.accept().write_all(b"x").unwrap();
    assert_eq!(again.bytes(1), b"x");
}

#[test]
fn exempt_clients_take_relays_but_are_not_limited_by_source() {
    let gate = gate(&["--max-relays", "3", "--max-relays-per-ip", "1"]);
    let clients = [exempt(&gate), exempt(&gate)];
    let upstreams = [gate.accept(), gate.accept()];
    let _third = gate.relay();
    let mut fourth = gate.client();
    assert_ne!(paid_or_refused(&mut fourth), CONNECTED);
    drop((clients, upstreams));
}

/// Asks for a puzzle, pays if it comes, and returns the last answer.
fn paid_or_refused(client: &mut Client) -> String {
    let answer = client.puzzle();
    if answer.starts_with("2:") {
        return client.pay(&answer).concat();
    }
    answer
}

#[test]
fn exempt_clients_count_as_connections_of_their_source() {
    let mut gate = gate(&["--max-connections-per-ip", "1"]);
    let _first = exempt(&gate);
    let _upstream = gate.accept();
    reset_of(exempt(&gate));
    let line = gate.server.wait_for(EXEMPT_RESET);
    assert!(
        line.contains("too many connections of its source"),
        "{line}"
    );
}

#[test]
fn an_exempt_client_without_an_upstream_is_reset() {
    let Gate {
        mut server,
        upstream,
    } = gate(&[]);
    drop(upstream);
    let source: IpAddr = "127.0.0.9".parse().unwrap();
    reset_of(Client::connect_from(source, server.address()));
    let line = server.wait_for("relay ended");
    assert!(
        line.contains("exempt=true") && line.contains("upstream refused"),
        "{line}"
    );
}

#[test]
fn a_balancer_can_name_an_exempt_client_but_is_not_exempt_for_an_unknown_one() {
    let proxied = [
        "--accept-proxy",
        "127.0.0.1",
        "--exempt",
        "127.0.0.1,10.0.0.0/8",
    ];
    let gate = Gate::new(&proxied);
    let named: SocketAddr = "10.1.2.3:4".parse().unwrap();
    let server: SocketAddr = "192.0.2.1:443".parse().unwrap();
    for version in [Version::V1, Version::V2] {
        let mut client = gate.client();
        let header = encode(version, named.into(), Some(server));
        client.send([&header[..], b"early"].concat());
        assert_eq!(bytes(&mut gate.accept(), 5), b"early");
    }
    // A health check speaks for the balancer itself, which is exempt here.
    let mut check = gate.client();
    check.send(b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00hello");
    assert_eq!(bytes(&mut gate.accept(), 5), b"hello");
    let mut unknown = gate.client();
    unknown.send("PROXY UNKNOWN\r\n");
    assert_eq!(paid(&mut unknown), CONNECTED);
}

#[test]
fn exempt_clients_need_no_slot_of_a_full_table() {
    let gate = gate(&["--max-connections", "1", "--when-full", "refuse"]);
    let mut holder = gate.client();
    holder.puzzle();
    let mut client = exempt(&gate);
    client.send("x");
    assert_eq!(bytes(&mut gate.accept(), 1), b"x");
}

#[test]
fn an_exempt_client_is_reset_during_a_shutdown() {
    let gate = gate(&["--shutdown-timeout", "0s"]);
    let client = exempt(&gate);
    let mut upstream: TcpStream = gate.accept();
    gate.server.signal("TERM");
    reset_of(client);
    expect_reset(&mut upstream);
    assert_eq!(gate.server.finish().status, Some(0));
}

#[test]
fn exemptions_without_a_gate_are_a_usage_error() {
    let outcome = outcome_of(command(&EXEMPT));
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    let text = outcome.stderr_text();
    assert!(
        text.contains("--exempt") && text.contains("--upstream"),
        "{text}"
    );
}
