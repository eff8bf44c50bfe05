//! A client that listens, and connections to it.

use std::net::TcpStream;

use powtcp_testkit::PATIENCE;
use powtcp_testkit::process::Program;

use crate::client::client;
use crate::support::program::start;

/// Starts a client that listens, and returns it with its address.
#[track_caller]
pub(crate) fn forwarder(server: &str) -> (Program, String) {
    let arguments = ["--listen", "127.0.0.1:0", "--retry", "0", server];
    let mut running = start(client(&arguments));
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
