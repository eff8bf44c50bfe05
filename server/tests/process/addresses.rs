//! Guards addresses: names, bare ports, and address families. A server on an IPv6 address serves IPv6, one on `[::]` serves both families,
//! and a client that connects over IPv4 has an IPv4 address in its puzzle and in the log.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use powtcp_testkit::process;
use powtcp_testkit::scratch::Scratch;

use crate::support::client::{Client, assert_served};
use crate::support::messages::PUZZLE_SENT;
use crate::support::server::{PROGRAM, ServerProcess, command, field, serve, serve_command};
use crate::support::tools::installed;

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
fn a_bare_port_serves_both_families() {
    let server = start(":0", "hashcash");
    let port = server.address().port();
    for ip in ["127.0.0.1", "[::1]"] {
        let address: SocketAddr = format!("{ip}:{port}").parse().unwrap();
        Client::connect(address).handshake();
    }
}

/// The first socket of the server is the one that asks for IPv6.
#[test]
fn a_bare_port_is_that_of_ipv4_where_the_kernel_has_no_ipv6() {
    if installed("strace").is_none() {
        return;
    }
    let fault = "inject=socket:error=EAFNOSUPPORT:when=1";
    let arguments = ["-D", "-o", "/dev/null", "-e", fault, PROGRAM];
    let arguments = [&arguments[..], &["--listen", ":0", "--bits", "8"]].concat();
    let server = serve_command(process::command("strace", &arguments));
    assert_eq!(server.address().ip(), Ipv4Addr::UNSPECIFIED);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.address().port()));
    Client::connect(address).handshake();
}

#[test]
fn a_name_is_resolved_once_at_start() {
    let mut server = start("localhost:0", "hashcash");
    assert!(server.address().ip().is_loopback());
    Client::connect(server.address()).handshake();
    server.signal("TERM");
    server.wait_for("stopped");

    let mut server = serve(&["--metrics", "localhost:0"]);
    let line = server.wait_for("serving metrics");
    let address: SocketAddr = field(&line, "address").parse().unwrap();
    assert!(address.ip().is_loopback(), "{line}");
}

/// Returns a command for a server with a file of hosts of its own; `None` where a test may not mount
/// files.
fn command_with_hosts(hosts: &str, arguments: &[&str]) -> Option<Command> {
    let own = ["-rm", "sh", "-c"];
    let mut probe = installed("unshare")?;
    probe.args(own).arg("mount --bind /etc/hosts /etc/hosts");
    if !probe.output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no namespace for mounts");
        return None;
    }
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let arguments = [&own[..], &[script, hosts, PROGRAM], arguments].concat();
    Some(process::command("unshare", &arguments))
}

#[test]
fn a_name_with_several_addresses_is_served_at_all_of_them() {
    let scratch = Scratch::new();
    // RFC 5737 reserves 192.0.2.1 for examples, so this machine does not have it.
    let text = "127.0.0.1 many\n127.0.0.2 many\n192.0.2.1 many\n127.0.0.2 many\n";
    let hosts = scratch.file("hosts", text);
    let arguments = ["--listen", "many:0", "--bits", "8"];
    let Some(command) = command_with_hosts(&hosts, &arguments) else {
        return;
    };
    let mut server = serve_command(command);
    let absent = server.wait_for("not listening");
    assert!(absent.contains(" level=WARN "), "{absent}");
    assert_eq!(field(&absent, "address"), "192.0.2.1:0");
    let log = server.log().to_vec();
    let lines = log.iter().filter(|line| line.contains("msg=listening "));
    let mut addresses: Vec<SocketAddr> = lines
        .map(|line| field(line, "address").parse().unwrap())
        .collect();
    addresses.sort();
    let ips: Vec<_> = addresses
        .iter()
        .map(|address| address.ip().to_string())
        .collect();
    assert_eq!(ips, ["127.0.0.1", "127.0.0.2"]);
    for address in addresses {
        Client::connect(address).handshake();
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
