//! The metrics page as a scraper sees it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use powtcp_testkit::PATIENCE;

use super::messages::SERVING_METRICS;
use super::server::{ServerProcess, field};

/// The address of the page.
pub(crate) struct Page {
    address: SocketAddr,
}

impl Page {
    /// Finds the page of a server that was started with `--metrics`.
    pub(crate) fn of(server: &mut ServerProcess) -> Self {
        let line = server.wait_for(SERVING_METRICS);
        let address = field(&line, "address").parse();
        Self {
            address: address.expect("the address of the page"),
        }
    }

    /// Returns the page at this address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Returns the address of the page.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects and sends nothing.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a page that listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("an option that every socket has");
        stream
    }

    /// Returns the response to `request`.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect();
        stream
            .write_all(request.as_ref())
            .expect("a page that reads");
        rest(stream)
    }

    /// Returns the body of the page.
    pub(crate) fn text(&self) -> String {
        let response = self.ask("GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let length = format!("\r\nContent-Length: {}\r\n", body.len());
        assert!(head.contains(&length), "{head}");
        body.to_string()
    }

    /// Returns each series with its value.
    pub(crate) fn values(&self) -> BTreeMap<String, f64> {
        let text = self.text();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let values = samples.map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            (series.to_string(), value.parse().expect("a number"))
        });
        values.collect()
    }
}

/// Returns everything up to the end of the stream.
pub(crate) fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .expect("the end of the stream, and no reset");
    text
}
