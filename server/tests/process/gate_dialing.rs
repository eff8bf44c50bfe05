//! Guards connecting to the upstream: a failure costs the client nothing, and nothing that the client sends
//! meanwhile is lost.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::gate::{CONNECTED, bytes, paid, to_end};
use crate::support::messages::REFUSED;
use crate::support::server::{ServerProcess, serve};
use crate::support::solving::right_line;

/// A Unix socket whose backlog is full.
struct FullBacklog {
    listener: UnixListener,
    _waiting: Vec<Socket>,
    server: ServerProcess,
    path: PathBuf,
    _scratch: Scratch,
}

impl FullBacklog {
    fn new(arguments: &[&str]) -> Self {
        let scratch = Scratch::new();
        let path = scratch.path().join("upstream");
        let address = SockAddr::unix(&path).expect("a Unix socket");
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a Unix socket");
        listener
            .bind(&address)
            .and_then(|()| listener.listen(1))
            .expect("a Unix socket");
        let mut waiting = Vec::new();
        loop {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a Unix socket");
            socket.set_nonblocking(true).expect("a Unix socket");
            match socket.connect(&address) {
                Ok(()) => waiting.push(socket),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        let upstream = format!("unix:{}", path.display());
        let server = serve(
            &[
                &["--upstream", &upstream, "--log-level", "debug"],
                arguments,
            ]
            .concat(),
        );
        Self {
            listener: UnixListener::from(std::os::fd::OwnedFd::from(listener)),
            _waiting: waiting,
            server,
            path,
            _scratch: scratch,
        }
    }

    /// Connects a client whose stamp is accepted, and that waits for its upstream.
    fn client(&self, early: &str) -> Client {
        let mut client = Client::connect(self.server.address());
        let line = right_line(&client.puzzle());
        client.send(line + early);
        client
    }
}

#[test]
fn a_unix_socket_is_an_upstream() {
    let scratch = Scratch::new();
    let path = scratch.path().join("upstream");
    let listener = UnixListener::bind(&path).unwrap();
    let server = serve(&["--upstream", &format!("unix:{}", path.display())]);
    let mut client = Client::connect(server.address());
    assert_eq!(paid(&mut client), CONNECTED);
    let (mut upstream, _) = listener.accept().unwrap();
    client.send("question");
    client.finish_sending();
    assert_eq!(to_end(&mut upstream), b"question");
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(client.bytes_to_end().unwrap(), b"answer");
}

#[test]
fn a_stamp_is_good_again_after_the_upstream_refused() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut server = serve(&["--upstream", &address.to_string()]);
    let mut client = Client::connect(server.address());
    let line = right_line(&client.puzzle());
    client.send(&line);
    assert_eq!(client.rest(), [refusal(Refusal::ServiceUnavailable)]);
    let ended = server.wait_for("relay ended");
    let end = " ending=\"upstream refused\" error=\"Connection refused (os error ";
    assert!(ended.contains(end), "{ended}");

    let upstream = TcpListener::bind(address).unwrap();
    let mut client = Client::connect(server.address());
    client.send(&line);
    assert_eq!(client.line(), CONNECTED);
    drop(upstream);
    let mut client = Client::connect(server.address());
    client.send(&line);
    assert_eq!(client.rest(), [refusal(Refusal::StampNotFound)]);
}

#[test]
fn a_client_without_an_upstream_is_logged_once_with_the_error_of_the_system() {
    let scratch = Scratch::new();
    let path = scratch.path().join("upstream");
    let server = serve(&["--upstream", &format!("unix:{}", path.display())]);
    let mut client = Client::connect(server.address());
    assert_eq!(paid(&mut client), refusal(Refusal::ServiceUnavailable));
    let log = server.stop().unwrap().stderr_text();
    let end = " ending=\"upstream refused\" error=\"No such file or directory (os error 2)\"\n";
    assert_eq!(log.matches(end).count(), 1, "{log}");
    assert!(!log.contains(REFUSED), "{log}");
}

#[test]
fn a_full_backlog_that_is_retried_and_then_refuses_leaves_the_stamp_good() {
    let gate = FullBacklog::new(&["--connect-timeout", "1m"]);
    let mut client = Client::connect(gate.server.address());
    let line = right_line(&client.puzzle());
    client.send(&line);
    // The first attempt was made by the time that the server answers another client.
    Client::connect(gate.server.address()).puzzle();
    let FullBacklog {
        listener,
        mut server,
        path,
        ..
    } = gate;
    drop(listener);
    assert_eq!(client.rest(), [refusal(Refusal::ServiceUnavailable)]);
    let ended = server.wait_for("relay ended");
    let end = " ending=\"upstream refused\" error=\"Connection refused (os error ";
    assert!(ended.contains(end), "{ended}");

    fs::remove_file(&path).unwrap();
    let _listener = UnixListener::bind(&path).unwrap();
    let mut client = Client::connect(server.address());
    client.send(&line);
    assert_eq!(client.line(), CONNECTED);
}

#[test]
fn a_full_backlog_that_is_drained_in_time_connects() {
    let gate = FullBacklog::new(&["--connect-timeout", "1m"]);
    let mut client = gate.client("early");
    let (first, _) = gate.listener.accept().unwrap();
    assert_eq!(client.line(), CONNECTED);
    drop(first);
    gate.listener.accept().unwrap();
    let (mut upstream, _) = gate.listener.accept().unwrap();
    assert_eq!(bytes(&mut upstream, 5), b"early");
}

#[test]
fn an_end_that_the_client_sends_while_its_upstream_is_connected_is_passed_on() {
    let gate = FullBacklog::new(&["--connect-timeout", "1m", "--idle-timeout", "10s"]);
    let mut client = gate.client("early");
    // The stamp was read by the time that the server answers another client.
    Client::connect(gate.server.address()).puzzle();
    client.send(" and late");
    client.finish_sending();
    // These segments have arrived by the time that the server answers another client.
    Client::connect(gate.server.address()).puzzle();
    gate.listener.accept().unwrap();
    assert_eq!(client.line(), CONNECTED);
    gate.listener.accept().unwrap();
    let (mut upstream, _) = gate.listener.accept().unwrap();
    assert_eq!(to_end(&mut upstream), b"early and late");
    drop(upstream);
    assert_eq!(client.bytes_to_end().unwrap(), b"");
}

#[test]
fn connecting_ends_at_its_timeout() {
    let mut gate = FullBacklog::new(&["--connect-timeout", "300ms"]);
    let mut client = gate.client("early");
    assert_eq!(client.rest(), [refusal(Refusal::ServiceUnavailable)]);
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains(" ending=\"upstream timed out\""), "{line}");
}

#[test]
fn a_client_that_resets_ends_the_connecting() {
    let mut gate = FullBacklog::new(&["--connect-timeout", "1m"]);
    gate.client("early").reset();
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains(" ending=\"client reset\""), "{line}");
}

#[test]
fn a_shutdown_tells_a_client_that_waits_for_its_upstream() {
    let gate = FullBacklog::new(&["--connect-timeout", "1m", "--shutdown-timeout", "300ms"]);
    let mut client = gate.client("");
    // The stamp was read by the time that the server answers another client.
    Client::connect(gate.server.address()).puzzle();
    gate.server.signal("TERM");
    assert_eq!(client.rest(), [refusal(Refusal::ShuttingDown)]);
    assert_eq!(gate.server.finish().status, Some(0));
}
