//! A client that listens, and connections to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use powtcp_testkit::PATIENCE;
use powtcp_testkit::process::Program;
use socket2::SockRef;

use crate::client::client;
use crate::support::program::start;

/// Starts a client that listens, and returns it with its address.
#[track_caller]
pub(crate) fn forwarder(server: &str) -> (Program, String) {
    forwarder_with(&["--retry", "0"], server)
}

/// Starts a client that listens, with these options.
#[track_caller]
pub(crate) fn forwarder_with(options: &[&str], server: &str) -> (Program, String) {
    let fixed = ["--listen", "127.0.0.1:0", server];
    let mut running = start(client(&[&fixed, options].concat()));
    let line = running.wait_for("listening on ");
    let address = line.strip_prefix("listening on ").expect("an address");
    assert!(!address.ends_with(":0"), "{line}");
    let address = address.to_string();
    (running, address)
}

/// Connects to a forwarder.
#[track_caller]
pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a client that listens");
    let set = stream.set_read_timeout(Some(PATIENCE));
    set.expect("an option that every socket has");
    stream
}

/// Sends `bytes` and the end, and returns everything that comes back.
#[track_caller]
pub(crate) fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).expect("an open connection");
    stream.shutdown(Shutdown::Write).expect("a connection");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    answer
}

/// Returns whether the next read reports an RST.
pub(crate) fn reads_reset(mut stream: &TcpStream) -> bool {
    let read = stream.read(&mut [0]);
    read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

/// Closes a connection with an RST.
#[track_caller]
pub(crate) fn reset(stream: TcpStream) {
    let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    linger.expect("an option that every socket has");
}
