//! Guards the header that tells the upstream who its client is: once, before all other bytes.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixListener;

use powtcp_server::protocol::proxy_header::{Version, encode};
use powtcp_testkit::scratch::Scratch;

use crate::support::client::Client;
use crate::support::gate::{CONNECTED, Gate, bytes};
use crate::support::server::{command, outcome_of, serve};
use crate::support::solving::right_line;

const VERSIONS: [(&str, Version); 2] = [("v1", Version::V1), ("v2", Version::V2)];

/// Returns the header for the connection of `client`.
fn expected(version: Version, client: &Client, server: SocketAddr) -> Vec<u8> {
    encode(version, client.address().into(), Some(server))
}

#[test]
fn the_header_comes_once_and_before_the_early_bytes() {
    for (name, version) in VERSIONS {
        let gate = Gate::new(&["--send-proxy", name]);
        let mut client = gate.client();
        let line = right_line(&client.puzzle());
        client.send(format!("{line}early"));
        let mut upstream = gate.accept();
        let header = expected(version, &client, gate.server.address());
        assert_eq!(bytes(&mut upstream, header.len()), header);
        assert_eq!(bytes(&mut upstream, 5), b"early");
        assert_eq!(client.line(), CONNECTED);
        upstream.write_all(b"down").unwrap();
        assert_eq!(client.bytes(4), b"down");
        client.send("more");
        assert_eq!(bytes(&mut upstream, 4), b"more");
    }
}

#[test]
fn the_header_is_not_counted_as_relayed() {
    let mut gate = Gate::new(&["--send-proxy", "v2"]);
    let (client, mut upstream) = gate.relay();
    let header = expected(Version::V2, &client, gate.server.address());
    assert_eq!(bytes(&mut upstream, header.len()), header);
    drop(client);
    drop(upstream);
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains("bytes_up=0 bytes_down=0"), "{line}");
}

#[test]
fn an_exempt_client_is_named_too() {
    let gate = Gate::new(&["--send-proxy", "v1", "--exempt", "127.0.0.9"]);
    let source: IpAddr = "127.0.0.9".parse().unwrap();
    let client = Client::connect_from(source, gate.server.address());
    let header = expected(Version::V1, &client, gate.server.address());
    assert_eq!(bytes(&mut gate.accept(), header.len()), header);
}

#[test]
fn a_header_of_a_balancer_is_passed_on() {
    let gate = Gate::new(&["--send-proxy", "v2", "--accept-proxy", "127.0.0.1"]);
    for client in ["203.0.113.7:5", "[2001:db8::7]:5"] {
        let client: SocketAddr = client.parse().unwrap();
        let destination: SocketAddr = "192.0.2.1:443".parse().unwrap();
        let header = encode(Version::V1, client.into(), Some(destination));
        let mut connection = gate.client();
        connection.send(header);
        let puzzle = connection.puzzle();
        connection.send(right_line(&puzzle));
        let header = encode(Version::V2, client.into(), Some(destination));
        assert_eq!(bytes(&mut gate.accept(), header.len()), header);
    }
}

#[test]
fn an_upstream_on_a_unix_socket_gets_the_addresses_of_the_client() {
    let scratch = Scratch::new();
    let path = scratch.path().join("upstream");
    let listener = UnixListener::bind(&path).unwrap();
    let upstream = format!("unix:{}", path.display());
    let server = serve(&["--upstream", &upstream, "--send-proxy", "v1"]);
    let mut client = Client::connect(server.address());
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    let (mut upstream, _) = listener.accept().unwrap();
    let header = expected(Version::V1, &client, server.address());
    assert_eq!(bytes(&mut upstream, header.len()), header);
}

#[test]
fn a_client_of_one_family_on_a_socket_of_both_is_named_in_its_own() {
    let (upstream, server) = {
        let gate = Gate::new(&["--send-proxy", "v1"]);
        let address = gate.upstream.local_addr().unwrap().to_string();
        let both = ["--listen", ":0", "--bits", "8", "--send-proxy", "v1"];
        let command = command(&[&both[..], &["--upstream", &address]].concat());
        (
            gate.upstream,
            crate::support::server::serve_command(command),
        )
    };
    let address = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    let mut client = Client::connect(address);
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    let (mut upstream, _) = upstream.accept().unwrap();
    let header = expected(Version::V1, &client, address);
    assert!(header.starts_with(b"PROXY TCP4 "));
    assert_eq!(bytes(&mut upstream, header.len()), header);
}

#[test]
fn another_version_is_a_usage_error() {
    for version in ["v3", "1", "V1", "both"] {
        let outcome = outcome_of(command(&["--send-proxy", version]));
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr_text().contains("v1 or v2"), "{outcome:?}");
    }
}

#[test]
fn without_an_upstream_the_option_causes_a_warning() {
    let outcome = outcome_of(command(&["--check", "--send-proxy", "v1"]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let text = outcome.stderr_text();
    assert!(text.contains("no effect without --upstream"), "{text}");
}
