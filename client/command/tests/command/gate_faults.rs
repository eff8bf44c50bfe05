//! Gates that fail: both ways to relay through one end, retry or go on as they should.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use powtcp_common::message::MAX_SERVER_LINE;
use powtcp_common::refusal::Refusal;
use powtcp_testkit::process::{Outcome, Program};
use powtcp_testkit::server::ServerProcess;

use crate::client::{ExpectClient, client};
use crate::forwarder::{connect, exchange, forwarder, forwarder_with, reads_reset};
use crate::script::{Script, refusal_line, refused};
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::ports::taken_port;
use crate::support::program::outcome_of;
use crate::support::real_server::{bind, serve};

const CONNECTED: &str = "4:connected\n";

/// The variable with the address of the upstream for [`the_gate_itself`].
const UPSTREAM: &str = "TEST_UPSTREAM";

/// Runs the gate that [`gate_process`] starts. No test of this package can rely on `powtcp-server` to be
/// built.
#[test]
#[ignore = "the gate that other tests start"]
fn the_gate_itself() {
    let Ok(upstream) = env::var(UPSTREAM) else {
        return;
    };
    let arguments = ["--listen", "127.0.0.1:0", "--bits", "8", "--upstream"];
    let server = bind([&arguments[..], &[upstream.as_str()]].concat(), []);
    server.run().expect("a server that serves");
}

/// Starts a gate in a process of its own.
#[track_caller]
fn gate_process(upstream: &str) -> ServerProcess {
    let this_program = env::current_exe().expect("the path of a running program");
    let mut command = Command::new(this_program);
    let test = "gate_faults::the_gate_itself";
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env(UPSTREAM, upstream);
    ServerProcess::start(command).expect("a gate that listens")
}

/// Returns a service and its address.
fn service() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket").to_string();
    (listener, address)
}

fn stdio(options: &[&str], server: &str) -> Outcome {
    outcome_of(client(&[&["--quiet", "--stdio", server], options].concat()))
}

#[test]
fn a_gate_that_is_killed_ends_the_relay_of_standard_input() {
    let (service, upstream) = service();
    let gate = gate_process(&upstream);
    let address = gate.address().to_string();
    let command = client(&["--stdio", &address]);
    // The end of standard input is not what ends the relay.
    let (stdin, _input) = io::pipe().expect("a free descriptor");
    let running = Program::start_with_streams(command, stdin.into(), Stdio::piped());
    let (mut stream, _) = service.accept().expect("a connection of the gate");
    stream.write_all(b"banner").expect("a connection");
    gate.signal("KILL");
    drop(gate);
    let outcome = running.expect("a program that was built").finish();
    assert!(b"banner".starts_with(&outcome.stdout), "{outcome:?}");
    // A stream that was cut off does not look complete.
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
}

#[test]
fn a_gate_that_is_killed_ends_its_local_connections_and_the_client_goes_on() {
    let (service, upstream) = service();
    let gate = gate_process(&upstream);
    let (mut running, address) = forwarder(&gate.address().to_string());
    let mut stream = connect(&address);
    let (mut served, _) = service.accept().expect("a connection of the gate");
    served.write_all(b"banner").expect("a connection");
    stream
        .read_exact(&mut [0; 6])
        .expect("bytes of the service");
    gate.signal("KILL");
    drop(gate);
    let rest = stream.read(&mut [0]);
    assert!(rest.is_err(), "{rest:?}");
    assert!(reads_reset(&connect(&address)));
    running.wait_for("Connection refused");
    assert_eq!(running.end(), None);
}

#[test]
fn a_long_payload_in_place_of_the_line_of_a_gate_is_an_error() {
    let payload = "x".repeat(MAX_SERVER_LINE - "4:\n".len());
    let cases = [
        (payload.clone(), "the server is no gate"),
        (payload + "x", "the server sent a line that is too long"),
    ];
    for (payload, reason) in cases {
        let server = FakeServer::start_for_many(move |mut client| {
            client.take_stamp();
            // A client that knows enough closes before it has read everything.
            let _ = client.try_send(format!("4:{payload}\n"));
            client.rest()
        });
        stdio(&[], server.address()).assert_failed(reason);
        assert_eq!(server.finish(), "");
        let (mut running, address) = forwarder(server.address());
        let mut stream = connect(&address);
        stream.write_all(b"early").expect("a connection");
        assert!(reads_reset(&stream));
        running.wait_for(reason);
        assert_eq!(server.finish(), "");
        assert_eq!(running.end(), None);
    }
}

/// Returns a server that refuses a request, then a stamp, and then serves.
fn server_with_two_refusals() -> FakeServer<String> {
    let busy: Script<String> = Box::new(|mut client: Peer| {
        client.answer_request(refusal_line(Refusal::ServerBusy));
        client.rest()
    });
    let unavailable: Script<String> = Box::new(|mut client: Peer| {
        let stamp = client.take_stamp();
        client.send(refusal_line(Refusal::ServiceUnavailable));
        client.rest();
        stamp
    });
    let serves: Script<String> = Box::new(|mut client: Peer| {
        let stamp = client.line();
        client.end_with(format!("{CONNECTED}all"));
        stamp
    });
    FakeServer::start_in_turn([busy, unavailable, serves])
}

#[test]
fn a_gate_that_is_busy_and_then_without_its_service_is_retried_in_both_modes() {
    let server = server_with_two_refusals();
    let outcome = stdio(&["--retry", "2"], server.address());
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, b"all");
    let [_, paid, presented] = [(); 3].map(|()| server.finish());
    assert_eq!(paid, presented);

    let server = server_with_two_refusals();
    let (mut running, address) = forwarder_with(&["--retry", "2"], server.address());
    assert_eq!(exchange(connect(&address), b""), b"all");
    running.wait_for(&refused(Refusal::ServerBusy));
    running.wait_for(&refused(Refusal::ServiceUnavailable));
    let [_, paid, presented] = [(); 3].map(|()| server.finish());
    assert_eq!(paid, presented);
}

#[test]
fn a_service_that_starts_later_is_reached_through_a_real_gate() {
    let (socket, upstream) = taken_port();
    let gate = serve(
        "unused",
        &["--bits", "8", "--upstream", &upstream.to_string()],
    );
    let (mut running, address) = forwarder_with(&["--retry", "100"], &gate);
    let mut stream = connect(&address);
    stream.write_all(b"request").expect("a connection");
    stream.shutdown(Shutdown::Write).expect("a connection");
    running.wait_for(&format!(
        "{}; retry 2 of 100 in ",
        refused(Refusal::ServiceUnavailable)
    ));
    socket.listen(1).expect("a bound socket");
    let (served, _) = socket.accept().expect("a connection of the gate");
    let mut served = TcpStream::from(served);
    let mut request = String::new();
    served.read_to_string(&mut request).expect("a request");
    assert_eq!(request, "request");
    served.write_all(b"answer").expect("a connection");
    drop(served);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert_eq!(answer, "answer");
}
