//! nginx on a Unix socket behind a gate: large bodies through a local forwarder.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use powtcp_testkit::process::{Program, command};
use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::tools::installed;

use super::{gate_to_socket, start_service};
use crate::echo::noise;
use crate::forwarder::{connect, forwarder};

const LEN: usize = 50_000_000;

/// An nginx that is reached through a gate and a forwarder.
struct Nginx {
    address: String,
    scratch: Scratch,
    _forwarder: Program,
    _server: Program,
}

impl Nginx {
    /// Starts a server. Returns `None` if it is not installed.
    #[track_caller]
    fn start() -> Option<Self> {
        let nginx = installed("nginx")?;
        let scratch = Scratch::new();
        fs::create_dir(scratch.path().join("files")).expect("a new directory");
        let config = scratch.file("nginx.conf", config(&scratch));
        let prefix = scratch.path().to_str().expect("a path in UTF-8");
        let arguments = ["-p", prefix, "-c", &config, "-e", "stderr"];
        // The last line that it writes before it serves. It listens already.
        let server = start_service(command(nginx.get_program(), &arguments), "event method");
        let (forwarder, address) = forwarder(&gate_to_socket(&scratch.path().join("socket")));
        Some(Self {
            address,
            scratch,
            _forwarder: forwarder,
            _server: server,
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

fn config(scratch: &Scratch) -> String {
    let directory = scratch.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {directory}/{name};\n"))
        .concat();
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid {directory}/pid;\n\
         error_log stderr notice;\n\
         events {{}}\n\
         http {{\n\
         access_log off;\n\
         {temporary}\
         server {{\n\
         listen unix:{directory}/socket;\n\
         root {directory}/files;\n\
         client_max_body_size 0;\n\
         dav_methods PUT;\n\
         }}\n\
         }}\n"
    )
}

#[test]
fn nginx_sends_a_large_file() {
    let Some(nginx) = Nginx::start() else { return };
    let bytes = noise(LEN);
    nginx.scratch.file("files/large", &bytes);
    let mut response = Vec::new();
    let mut stream = nginx.request("GET /large HTTP/1.0");
    stream.read_to_end(&mut response).expect("a response");
    let separator = response.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = response.split_at(separator.expect("the end of the head") + 4);
    let head = String::from_utf8_lossy(head);
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(body == bytes, "{} bytes arrived", body.len());
}

#[test]
fn nginx_stores_a_large_upload() {
    let Some(nginx) = Nginx::start() else { return };
    let bytes = noise(LEN);
    let mut stream = nginx.request(&format!("PUT /large HTTP/1.0\r\nContent-Length: {LEN}"));
    stream.write_all(&bytes).expect("a connection");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert!(response.starts_with("HTTP/1.1 201 Created"), "{response}");
    let stored = fs::read(nginx.scratch.path().join("files/large")).expect("a stored file");
    assert!(stored == bytes, "{} bytes were stored", stored.len());
}
