//! Guards how the relays of a gate end.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::server::ServerProcess;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::messages::SHUTTING_DOWN;
use crate::support::solving::right_line;
use crate::support::upstream::{CONNECTED, Service, gate, paid, socket_path};

/// Waits for the log line about the end of a relay, which must name `ending`.
#[track_caller]
fn assert_ended(gate: &mut ServerProcess, ending: &str) {
    let line = gate.wait_for("relay ended");
    let ending = if ending.contains(' ') {
        format!("ending=\"{ending}\"")
    } else {
        format!("ending={ending}")
    };
    assert!(line.ends_with(&ending), "{line}");
}

/// Expects that the peer of `end` has reset the connection.
#[track_caller]
fn assert_reset(mut end: Client) {
    let error = end.try_rest().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_on_one_side_is_a_reset_on_the_other() {
    let service = Service::new();
    let mut gate = service.gate(&[]);
    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    let upstream = service.accept();
    client.reset();
    assert_reset(upstream);
    assert_ended(&mut gate, "client reset");

    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    service.accept().reset();
    assert_reset(client);
    assert_ended(&mut gate, "upstream reset");
}

#[test]
fn a_relay_without_traffic_is_reset() {
    let service = Service::new();
    let mut gate = service.gate(&["--idle-timeout", "300ms"]);
    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    let mut upstream = service.accept();
    let start = Instant::now();
    upstream.send("late\n");
    assert_eq!(client.line(), "late");
    assert_ended(&mut gate, "idle");
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_reset(client);
    assert_reset(upstream);
}

#[test]
fn a_refused_client_may_present_its_stamp_again() {
    // Bound, but not listening: the port refuses.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut gate = gate(&address.to_string(), &[]);
    let mut client = Client::connect(gate.address());
    let puzzle = client.puzzle();
    let stamp = right_line(&puzzle);
    client.send(&stamp);
    assert_eq!(client.rest(), [refusal(Refusal::ServiceUnavailable)]);
    assert_ended(&mut gate, "upstream refused");

    socket.listen(1).unwrap();
    let mut client = Client::connect(gate.address());
    client.send(&stamp);
    assert_eq!(client.line(), CONNECTED);
    let mut client = Client::connect(gate.address());
    client.send(&stamp);
    assert_eq!(client.rest(), [refusal(Refusal::StampNotFound)]);
}

/// Returns a Unix socket whose backlog is full, with the connections that fill it.
fn full_backlog(path: &str) -> (UnixListener, Vec<Socket>) {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let address = SockAddr::unix(path).unwrap();
    socket.bind(&address).unwrap();
    socket.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        match socket.connect(&address) {
            Ok(()) => waiting.push(socket),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    (
        UnixListener::from(std::os::fd::OwnedFd::from(socket)),
        waiting,
    )
}

#[test]
fn a_full_backlog_of_a_unix_socket_is_tried_again() {
    let scratch = Scratch::new();
    let path = socket_path(&scratch);
    let (listener, waiting) = full_backlog(&path);
    let gate = gate(&format!("unix:{path}"), &[]);
    let mut client = paid(&gate);
    for _ in waiting {
        drop(listener.accept().unwrap());
    }
    assert_eq!(client.line(), CONNECTED);
}

#[test]
fn connecting_has_a_time_limit() {
    let scratch = Scratch::new();
    let path = socket_path(&scratch);
    let _full = full_backlog(&path);
    let mut gate = gate(&format!("unix:{path}"), &["--connect-timeout", "100ms"]);
    let start = Instant::now();
    let mut client = paid(&gate);
    assert_eq!(client.rest(), [refusal(Refusal::ServiceUnavailable)]);
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_ended(&mut gate, "upstream timed out");
}

#[test]
fn a_client_that_resets_while_the_upstream_is_connected_ends_the_relay() {
    let scratch = Scratch::new();
    let path = socket_path(&scratch);
    let _full = full_backlog(&path);
    let mut gate = gate(&format!("unix:{path}"), &["--connect-timeout", "1h"]);
    let client = paid(&gate);
    gate.wait_for("puzzle sent");
    client.reset();
    assert_ended(&mut gate, "client reset");
}

#[test]
fn relays_continue_during_a_shutdown_and_are_reset_at_its_end() {
    let service = Service::new();
    let mut gate = service.gate(&["--shutdown-timeout", "300ms"]);
    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    let mut upstream = service.accept();
    gate.signal("TERM");
    gate.wait_for(SHUTTING_DOWN);
    upstream.send("still here\n");
    assert_eq!(client.line(), "still here");
    assert_ended(&mut gate, "shutdown");
    assert_reset(client);
    assert_reset(upstream);
    assert_eq!(gate.finish().status, Some(0));
}

#[test]
fn a_shutdown_ends_with_the_last_relay() {
    let service = Service::new();
    let mut gate = service.gate(&["--shutdown-timeout", "1h"]);
    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    let upstream = service.accept();
    gate.signal("TERM");
    gate.wait_for(SHUTTING_DOWN);
    drop((client, upstream));
    assert_eq!(gate.finish().status, Some(0));
}

#[test]
fn a_client_whose_upstream_is_being_connected_is_told_of_the_shutdown() {
    let scratch = Scratch::new();
    let path = socket_path(&scratch);
    let _full = full_backlog(&path);
    let mut gate = gate(&format!("unix:{path}"), &["--shutdown-timeout", "100ms"]);
    let mut client = paid(&gate);
    gate.wait_for("puzzle sent");
    gate.signal("TERM");
    assert_eq!(client.rest(), [refusal(Refusal::ShuttingDown)]);
    assert_ended(&mut gate, "shutdown");
}
