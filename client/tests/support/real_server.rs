//! The real server, on a thread of the test.

use std::ffi::OsString;
use std::thread;

use powtcp_common::options::Request;
use powtcp_server::config::{Config, PROGRAM};
use powtcp_server::server::Server;

use super::scratch::Scratch;

/// A server that serves nothing but `resource`, on a port of its own of 127.0.0.1 unless
/// `arguments` say otherwise. It runs until the test program ends; returns its address.
pub(crate) fn serve(resource: &str, arguments: &[&str]) -> String {
    let scratch = Scratch::new();
    let resources = scratch.file("resources", format!("{resource}\n"));
    let listen: &[&str] = match arguments.contains(&"--listen") {
        true => &[],
        false => &["--listen", "127.0.0.1:0"],
    };
    let fixed = ["--resources", &resources, "--log-level", "error"];
    let arguments = [&fixed, listen, arguments].concat();
    let arguments = arguments.iter().map(OsString::from).collect();
    // The test's own environment has no say.
    let Ok(Request::Run(options)) = PROGRAM.read(arguments, []) else {
        panic!("arguments that run a server")
    };
    let config = Config::new(&options).expect("options that are right");
    let server = Server::bind(config).expect("a port that is free");
    let address = server.local_addr().expect("a server that listens");
    thread::spawn(|| server.run());
    address.to_string()
}
