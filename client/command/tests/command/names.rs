//! Names of servers, in a mount namespace that has its own hosts file and name servers. The tests are
//! skipped where a user may not create a namespace.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;

use powtcp_testkit::process::{Outcome, command};
use powtcp_testkit::scratch::Scratch;
use socket2::{Domain, Socket, Type};

use crate::client::ExpectClient;
use crate::support::fake_server::Peer;
use crate::support::program::outcome_of;

/// Runs a client that resolves names by these files. Returns `None` where that is not possible.
fn run(hosts: &str, resolv_conf: &str, arguments: &[&str]) -> Option<Outcome> {
    let scratch = Scratch::new();
    let hosts = scratch.file("hosts", hosts);
    let resolv_conf = scratch.file("resolv.conf", resolv_conf);
    let mounted = |program: &[&str]| -> Command {
        let mount = "mount --bind \"$HOSTS\" /etc/hosts \
                     && mount --bind \"$RESOLV_CONF\" /etc/resolv.conf && exec \"$0\" \"$@\"";
        let fixed = ["--user", "--map-root-user", "--mount", "sh", "-c", mount];
        let mut command = command("unshare", &[&fixed, program].concat());
        command
            .env("HOSTS", &hosts)
            .env("RESOLV_CONF", &resolv_conf);
        command
    };
    let is_possible = mounted(&["true"]).output();
    if !is_possible.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let program = [env!("CARGO_BIN_EXE_powtcp-client")];
    Some(outcome_of(mounted(&[&program, arguments].concat())))
}

/// Fills the backlog of a socket that accepts nothing, so that further connections get no answer.
fn dead_server(address: SocketAddr) -> (Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&address.into()).expect("a free port");
    socket.listen(0).expect("a bound socket");
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(500));
    let backlog = std::iter::repeat_with(connect)
        .map_while(Result::ok)
        .collect();
    (socket, backlog)
}

#[test]
fn a_dead_address_of_a_name_does_not_keep_the_client_from_the_next_one() {
    // The resolver sorts them; whichever it puts first, one of the two cases has the dead one there.
    for (dead, alive) in [("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1")] {
        let listener = TcpListener::bind((alive, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let dead_address = format!("{dead}:{port}").parse().expect("an address");
        let _dead = dead_server(dead_address);
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client that connects");
            let mut peer = Peer::new(stream);
            peer.take_stamp();
            peer.end_with("4:paid\n")
        });
        let hosts = format!("{dead} dual.test\n{alive} dual.test\n");
        let server = format!("dual.test:{port}");
        // With one try and less time than a connection takes to fail.
        let arguments = ["--retry", "0", "--timeout", "20s", &server];
        let Some(outcome) = run(&hosts, "", &arguments) else {
            return;
        };
        outcome.assert_printed("paid");
    }
}

#[test]
fn a_temporary_failure_of_the_resolver_is_retried() {
    // Nothing listens there, so the resolver has no answer (EAI_AGAIN).
    let resolv_conf = "nameserver 127.77.0.1\noptions attempts:1 timeout:1\n";
    let arguments = ["--retry", "1", "powtcp.example:80"];
    let Some(outcome) = run("", resolv_conf, &arguments) else {
        return;
    };
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let [note, error] = outcome.stderr.as_slice() else {
        panic!("{outcome:?}")
    };
    assert!(
        note.contains("Temporary failure in name resolution; retry 1 of 1"),
        "{note}"
    );
    assert!(
        error.contains("Temporary failure in name resolution"),
        "{error}"
    );
}

#[test]
fn a_silent_name_server_does_not_extend_the_timeout() {
    // Only a privileged user can be a name server; elsewhere the test is skipped.
    let Ok(_silent) = UdpSocket::bind("127.77.0.2:53") else {
        return;
    };
    // The resolver would wait for more than the patience of the test.
    let resolv_conf = "nameserver 127.77.0.2\noptions attempts:5 timeout:30\n";
    let arguments = ["--retry", "0", "--timeout", "300ms", "powtcp.example:80"];
    let Some(outcome) = run("", resolv_conf, &arguments) else {
        return;
    };
    let reason = "cannot connect to powtcp.example:80: the name was not resolved in time";
    outcome.assert_failed(reason);
}
