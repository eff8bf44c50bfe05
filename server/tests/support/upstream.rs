//! The service behind a gate, as a test plays it.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::server::ServerProcess;

use super::client::Client;
use super::server::serve;
use super::solving::right_line;

/// The line that tells a client that it is connected.
pub(crate) const CONNECTED: &str = "4:connected";

/// A service on a free port.
pub(crate) struct Service {
    listener: TcpListener,
}

impl Service {
    /// Listens.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self { listener }
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket")
    }

    /// Waits for the next connection of the gate.
    pub(crate) fn accept(&self) -> Client {
        let (stream, _) = self.listener.accept().expect("a gate that connects");
        Client::new(stream)
    }

    /// Expects that the gate has not connected.
    #[track_caller]
    pub(crate) fn assert_no_connection(&self) {
        self.listener
            .set_nonblocking(true)
            .expect("an option that every socket has");
        let kind = self.listener.accept().map_err(|error| error.kind());
        assert_eq!(kind.err(), Some(ErrorKind::WouldBlock));
    }

    /// Starts a gate before this service.
    pub(crate) fn gate(&self, arguments: &[&str]) -> ServerProcess {
        gate(&self.address().to_string(), arguments)
    }
}

/// Returns a path for a Unix socket.
pub(crate) fn socket_path(scratch: &Scratch) -> String {
    let path = scratch.path().join("service");
    path.to_str().expect("a path in UTF-8").to_string()
}

/// Starts a gate before `upstream`.
pub(crate) fn gate(upstream: &str, arguments: &[&str]) -> ServerProcess {
    serve(&[&["--upstream", upstream], arguments].concat())
}

/// Connects to a gate and pays; the answer to the stamp is not read.
pub(crate) fn paid(gate: &ServerProcess) -> Client {
    paid_with(gate, "")
}

/// Connects to a gate and pays, with `early` behind the stamp.
pub(crate) fn paid_with(gate: &ServerProcess, early: &str) -> Client {
    let mut client = Client::connect(gate.address());
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle) + early);
    client
}
