//! Real services behind a real gate, and the programs of their users. A test is skipped where one of
//! its programs is missing, except in CI.

mod nginx;
mod redis;
mod socat;
mod ssh;

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use powtcp_testkit::process::{Outcome, Program};

use crate::support::program::{outcome_of, start};
use crate::support::real_server::serve;

/// How many ports to try for a service that needs a given one.
const PORTS: usize = 10;

/// Starts a service and waits until it writes `ready` to standard error.
#[track_caller]
fn start_service(command: Command, ready: &str) -> Program {
    let mut service = start(command);
    service.wait_for(ready);
    service
}

/// Starts a service that needs a given port, on one that was free, and returns it with its port. Another
/// program can take the port in between: the service then ends, and the next port is tried.
#[track_caller]
fn start_on_a_free_port(command_on: impl Fn(u16) -> Command, ready: &str) -> (Program, u16) {
    for _ in 0..PORTS {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        drop(listener);
        let mut service = start(command_on(port));
        match service.next_line_with(ready) {
            Ok(_) => return (service, port),
            Err(_) if service.lines().join("\n").contains("already in use") => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{PORTS} ports were taken")
}

/// Starts a gate in front of `upstream`, and returns its address.
#[track_caller]
fn gate(upstream: &str) -> String {
    serve("unused", &["--bits", "8", "--upstream", upstream])
}

/// Starts a gate in front of a Unix socket, and returns its address.
#[track_caller]
fn gate_to_socket(socket: &Path) -> String {
    gate(&format!("unix:{}", socket.display()))
}

/// Returns the text that a program prints, which must succeed.
#[track_caller]
fn text_of(command: Command) -> String {
    let outcome = outcome_of(command);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    outcome.text()
}

/// Runs a program that reads the file `input` to its end.
#[track_caller]
fn outcome_with_input(command: Command, input: &str) -> Outcome {
    let input = File::open(input).expect("a file of this test");
    let program = Program::start_with_streams(command, input.into(), Stdio::piped());
    program.expect("an installed program").finish()
}
