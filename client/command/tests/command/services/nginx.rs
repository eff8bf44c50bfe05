//! nginx on a Unix socket behind a gate: large bodies through a local forwarder.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use powtcp_testkit::nginx::Nginx;
use powtcp_testkit::process::Program;

use super::gate_to_socket;
use crate::echo::noise;
use crate::forwarder::{connect, forwarder};

const LEN: usize = 50_000_000;

/// What nginx serves: files, and uploads without a limit.
const FILES: &str =
    "listen unix:$dir/socket;\nroot $dir/files;\nclient_max_body_size 0;\ndav_methods PUT;";

/// An nginx that is reached through a gate and a forwarder.
struct FileServer {
    address: String,
    nginx: Nginx,
    _forwarder: Program,
}

impl FileServer {
    /// Starts a server. Returns `None` if it is not installed.
    #[track_caller]
    fn start() -> Option<Self> {
        let nginx = Nginx::start("access_log off;", FILES)?;
        fs::create_dir(nginx.scratch.path().join("files")).expect("a new directory");
        let (forwarder, address) = forwarder(&gate_to_socket(&nginx.socket()));
        Some(Self {
            address,
            nginx,
            _forwarder: forwarder,
        })
    }

    /// Connects and sends the head of a request. The end of the response is the end of the stream.
    #[track_caller]
    fn request(&self, head: &str) -> TcpStream {
        let mut stream = connect(&self.address);
        let head = format!("{head}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("a connection");
        stream
    }
}

#[test]
fn nginx_sends_a_large_file() {
    let Some(server) = FileServer::start() else {
        return;
    };
    let bytes = noise(LEN);
    server.nginx.scratch.file("files/large", &bytes);
    let mut response = Vec::new();
    let mut stream = server.request("GET /large HTTP/1.0");
    stream.read_to_end(&mut response).expect("a response");
    let separator = response.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = response.split_at(separator.expect("the end of the head") + 4);
    let head = String::from_utf8_lossy(head);
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(body == bytes, "{} bytes arrived", body.len());
}

#[test]
fn nginx_stores_a_large_upload() {
    let Some(server) = FileServer::start() else {
        return;
    };
    let bytes = noise(LEN);
    let mut stream = server.request(&format!("PUT /large HTTP/1.0\r\nContent-Length: {LEN}"));
    stream.write_all(&bytes).expect("a connection");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert!(response.starts_with("HTTP/1.1 201 Created"), "{response}");
    let stored = fs::read(server.nginx.scratch.path().join("files/large")).expect("a stored file");
    assert!(stored == bytes, "{} bytes were stored", stored.len());
}
