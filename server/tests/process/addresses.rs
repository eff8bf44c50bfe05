//! Guards address families: a server on an IPv6 address serves IPv6, one on `[::]` serves both families,
//! and a client that connects over IPv4 has an IPv4 address in its puzzle and in the log.

use std::net::{Ipv4Addr, SocketAddr};

use crate::support::client::{Client, assert_served};
use crate::support::messages::PUZZLE_SENT;
use crate::support::server::{ServerProcess, command, field, serve, serve_command};

fn start(listen: &str, dialect: &str) -> ServerProcess {
    let arguments = ["--listen", listen, "--dialect", dialect, "--bits", "8"];
    serve_command(command(&arguments))
}

/// Makes a handshake with the server at `address`. The puzzle must contain what `spell` makes of the
/// client's port.
#[track_caller]
fn handshake(address: SocketAddr, spell: impl Fn(u16) -> String) {
    let mut client = Client::connect(address);
    let resource = format!(":{}::", spell(client.address().port()));
    let puzzle = client.puzzle();
    assert!(puzzle.contains(&resource), "no {resource} in {puzzle}");
    assert_served(&client.pay(&puzzle));
}

#[test]
fn an_ipv6_address_is_served_in_both_dialects() {
    let server = start("[::1]:0", "hashcash");
    handshake(server.address(), |port| format!("--1/{port}"));
    let server = start("[::1]:0", "powtcp");
    handshake(server.address(), |port| format!("[::1]:{port}"));
}

#[test]
fn the_unspecified_ipv6_address_serves_both_families() {
    for (dialect, separator) in [("hashcash", '/'), ("powtcp", ':')] {
        let mut server = start("[::]:0", dialect);
        let port = server.address().port();
        let ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        handshake(ipv4, |port| format!("127.0.0.1{separator}{port}"));
        let line = server.wait_for(PUZZLE_SENT);
        assert!(field(&line, "client").starts_with("127.0.0.1:"), "{line}");
        let ipv6: SocketAddr = format!("[::1]:{port}").parse().unwrap();
        let mut client = Client::connect(ipv6);
        let puzzle = client.puzzle();
        assert_served(&client.pay(&puzzle));
    }
}

#[test]
fn a_restarted_server_gets_its_port_at_once() {
    let server = serve(&["--shutdown-timeout", "0s"]);
    let address = server.address();
    let mut client = Client::connect(address);
    client.puzzle();
    // The server ends this connection, so its side of the port stays in TIME_WAIT.
    assert_eq!(server.stop().unwrap().status, Some(0));
    let server = start(&address.to_string(), "hashcash");
    assert_eq!(server.address(), address);
    Client::connect(address).handshake();
}
