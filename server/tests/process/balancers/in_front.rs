//! Guards a gate behind HAProxy: its clients have their own addresses, in every kind of header that HAProxy
//! sends.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use powtcp_common::refusal::Refusal;

use super::haproxy::{BALANCER, Haproxy};
use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::gate::{CONNECTED, Gate, bytes, to_end};
use crate::support::messages::PUZZLE_SENT;
use crate::support::server::field;
use crate::support::solving::right_line;

/// Options of a server in HAProxy.
const HEADERS: [&str; 4] = [
    "send-proxy",
    "send-proxy-v2",
    "send-proxy-v2 proxy-v2-options crc32c",
    "send-proxy-v2 proxy-v2-options crc32c,unique-id",
];

/// Starts a gate that takes headers from HAProxy.
fn gate(arguments: &[&str]) -> Gate {
    Gate::new(&[&["--accept-proxy", BALANCER], arguments].concat())
}

#[test]
fn a_client_of_haproxy_has_its_own_address_pays_and_is_relayed() {
    for header in HEADERS {
        let mut gate = gate(&[]);
        let Some(haproxy) = Haproxy::in_front_of(gate.server.address(), "", header) else {
            return;
        };
        let mut client = haproxy.client_from("127.0.0.5");
        let address = client.address().to_string();
        let puzzle = client.puzzle();
        let resource = puzzle.split(':').nth(4).map(String::from);
        assert_eq!(resource, Some(address.replace(':', "/")), "{header}");
        assert_eq!(field(&gate.server.wait_for(PUZZLE_SENT), "client"), address);

        client.send(right_line(&puzzle) + "early");
        assert_eq!(client.line(), CONNECTED);
        let mut upstream = gate.accept();
        assert_eq!(bytes(&mut upstream, 5), b"early");
        client.finish_sending();
        assert_eq!(to_end(&mut upstream), b"");
        upstream.write_all(b"late").expect("a gate that reads");
        drop(upstream);
        assert_eq!(client.bytes_to_end().expect("a FIN"), b"late");
        let line = gate.server.wait_for("relay ended");
        assert_eq!(field(&line, "client"), address);
    }
}

/// Such a socket reports IPv4 clients with IPv4-mapped addresses.
#[test]
fn clients_of_both_families_on_one_socket_of_haproxy_have_their_own_addresses() {
    for header in ["send-proxy", "send-proxy-v2"] {
        let gate = gate(&[]);
        let Some(haproxy) = Haproxy::of_both_families(gate.server.address(), header) else {
            return;
        };
        let port = haproxy.address().port();
        for (ip, spelled) in [("127.0.0.5", "127.0.0.5"), ("::1", "--1")] {
            let ip: IpAddr = ip.parse().expect("an address");
            let own = if ip.is_ipv4() { "127.0.0.1" } else { "::1" };
            let server = SocketAddr::new(own.parse().expect("an address"), port);
            let mut client = Client::connect_from(ip, server);
            let expected = format!("{spelled}/{}", client.address().port());
            let puzzle = client.puzzle();
            assert_eq!(puzzle.split(':').nth(4), Some(&*expected), "{header}");
        }
    }
}

#[test]
fn limits_by_source_count_the_clients_of_haproxy() {
    let gate = gate(&["--max-connections-per-ip", "1"]);
    let Some(haproxy) = Haproxy::in_front_of(gate.server.address(), "", "send-proxy-v2") else {
        return;
    };
    let mut first = haproxy.client_from("127.0.0.5");
    assert!(first.puzzle().starts_with("2:"));
    let mut same = haproxy.client_from("127.0.0.5");
    assert_eq!(same.puzzle(), refusal(Refusal::ServerBusy));
    let mut other = haproxy.client_from("127.0.0.6");
    assert!(other.puzzle().starts_with("2:"));
}

#[test]
fn a_stamp_of_a_client_of_haproxy_is_good_for_that_client_only() {
    let gate = gate(&[]);
    let Some(haproxy) = Haproxy::in_front_of(gate.server.address(), "", "send-proxy") else {
        return;
    };
    let line = right_line(&haproxy.client_from("127.0.0.5").puzzle());
    let mut thief = haproxy.client_from("127.0.0.6");
    thief.send(&line);
    assert_eq!(thief.rest(), [refusal(Refusal::StampNotFound)]);
    let mut client = haproxy.client_from("127.0.0.5");
    client.send(&line);
    assert_eq!(client.line(), CONNECTED);
}
