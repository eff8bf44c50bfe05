//! HAProxy in front of gates.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use powtcp_testkit::process::Program;
use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::tools::installed;

use crate::support::client::Client;

/// How the configuration of a test names the socket for clients: it is the standard input of HAProxy. It
/// listens before HAProxy starts, so the test need not wait for that, and no other program takes its port.
pub(super) const LISTENER: &str = "fd@0";

/// The address that HAProxy connects from. Clients of another address can connect to a gate directly.
pub(super) const BALANCER: &str = "127.0.0.3";

/// A running HAProxy.
pub(super) struct Haproxy {
    program: Program,
    address: SocketAddr,
    _scratch: Scratch,
}

impl Haproxy {
    /// Starts HAProxy. Returns `None` if it is not installed.
    #[track_caller]
    pub(super) fn start(config: impl AsRef<[u8]>) -> Option<Self> {
        Self::start_on("127.0.0.1:0", config)
    }

    /// Starts HAProxy with another address for clients.
    #[track_caller]
    fn start_on(address: &str, config: impl AsRef<[u8]>) -> Option<Self> {
        let mut haproxy = installed("haproxy")?;
        let scratch = Scratch::new();
        haproxy.args(["-db", "-f", &scratch.file("haproxy.cfg", config)]);
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let stdin = Stdio::from(OwnedFd::from(listener));
        let program = Program::start_with_streams(haproxy, stdin, Stdio::piped());
        Some(Self {
            program: program.expect("an installed program"),
            address,
            _scratch: scratch,
        })
    }

    /// Starts HAProxy in front of one gate, which is the server `gates/gate1` with these options.
    #[track_caller]
    pub(super) fn in_front_of(gate: SocketAddr, backend: &str, options: &str) -> Option<Self> {
        Self::start(config(gate, backend, options))
    }

    /// Starts HAProxy as [`in_front_of`](Self::in_front_of) does, with one socket for clients of both families.
    #[track_caller]
    pub(super) fn of_both_families(gate: SocketAddr, options: &str) -> Option<Self> {
        Self::start_on("[::]:0", config(gate, "", options))
    }

    /// Returns the address for clients.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects a client from `source`, an address of 127.0.0.0/8.
    pub(super) fn client_from(&self, source: &str) -> Client {
        Client::connect_from(source.parse().expect("an address"), self.address)
    }

    /// Waits for the next message that contains `part`, and returns it.
    #[track_caller]
    pub(super) fn wait_for(&mut self, part: &str) -> String {
        self.program.wait_for(part)
    }
}

/// Returns a configuration for one gate. `backend` has further lines of the backend. Without `timeout check`, a
/// check may take as long as the interval between two, which is too short in a test.
fn config(gate: SocketAddr, backend: &str, options: &str) -> String {
    format!(
        "defaults\n\
         mode tcp\n\
         timeout connect 10s\n\
         timeout check 10s\n\
         timeout client 1m\n\
         timeout server 1m\n\
         frontend clients\n\
         bind {LISTENER}\n\
         default_backend gates\n\
         backend gates\n\
         option log-health-checks\n\
         {backend}\n\
         server gate1 {gate} source {BALANCER} {options}\n"
    )
}
