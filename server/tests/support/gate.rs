//! A gate with an upstream that the test plays.

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use powtcp_testkit::PATIENCE;
use socket2::SockRef;

use super::client::Client;
use super::page::Page;
use super::server::{ServerProcess, serve};
use super::solving::right_line;

/// The answer to a right stamp.
pub(crate) const CONNECTED: &str = "4:connected";

/// A server with `--upstream`, and the service behind it.
pub(crate) struct Gate {
    pub(crate) server: ServerProcess,
    pub(crate) upstream: TcpListener,
}

impl Gate {
    /// Starts an upstream and its gate.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let upstream = TcpListener::bind("127.0.0.1:0").expect("a free port");
        // An accept that nothing satisfies must end the test (socket(7)).
        SockRef::from(&upstream)
            .set_read_timeout(Some(PATIENCE))
            .expect("an option that every socket has");
        let address = upstream.local_addr().expect("an address").to_string();
        let server = serve(&[&["--upstream", &address], arguments].concat());
        Self { server, upstream }
    }

    /// Connects a client to the gate.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.server.address())
    }

    /// Connects a client that pays, and returns both ends of its relay.
    #[track_caller]
    pub(crate) fn relay(&self) -> (Client, TcpStream) {
        let mut client = self.client();
        assert_eq!(paid(&mut client), CONNECTED);
        (client, self.accept())
    }

    /// Returns the next connection of the upstream.
    #[track_caller]
    pub(crate) fn accept(&self) -> TcpStream {
        let (stream, _) = self.upstream.accept().expect("a connection of the gate");
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .expect("options that every socket has");
        stream
    }
}

/// Pays, and returns the answer to the stamp.
pub(crate) fn paid(client: &mut Client) -> String {
    let puzzle = client.puzzle();
    client.send(right_line(&puzzle));
    client.line()
}

/// Returns the next `len` bytes.
#[track_caller]
pub(crate) fn bytes(stream: &mut impl Read, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).expect("more bytes");
    bytes
}

/// Returns all bytes up to the end of the stream, which must be a FIN.
#[track_caller]
pub(crate) fn to_end(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an end, no reset");
    bytes
}

/// Expects the stream to be reset.
#[track_caller]
pub(crate) fn expect_reset(stream: &mut impl Read) {
    let result = stream.read_to_end(&mut Vec::new());
    let kind = result.map_err(|error| error.kind());
    assert_eq!(kind, Err(ErrorKind::ConnectionReset));
}

/// Closes a connection with an RST.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("an option that every socket has");
}

/// Returns relays that are connecting and open, as the metrics page tells.
pub(crate) fn relays(page: &Page) -> [f64; 2] {
    let values = page.values();
    ["connecting", "open"].map(|state| values[&format!("powtcp_relays{{state=\"{state}\"}}")])
}
