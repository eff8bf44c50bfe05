//! The real server, on a thread of the test.

use std::ffi::OsString;
use std::thread;

use powtcp_options::Request;
use powtcp_server::config::{Config, PROGRAM};
use powtcp_server::server::Server;
use powtcp_testkit::scratch::Scratch;

/// Starts a server that serves only `resource`, on a free port of 127.0.0.1 unless `arguments` say
/// otherwise. It runs until the test program ends. Returns its address.
pub(crate) fn serve(resource: &str, arguments: &[&str]) -> String {
    let scratch = Scratch::new();
    let resources = scratch.file("resources", format!("{resource}\n"));
    let mut all = vec!["--resources", &resources, "--log-level", "error"];
    if !arguments.contains(&"--listen") {
        all.extend(["--listen", "127.0.0.1:0"]);
    }
    all.extend(arguments);
    let all = all.iter().map(OsString::from).collect();
    // The environment of the test has no influence.
    let Ok(Request::Run(options)) = PROGRAM.read(all, []) else {
        panic!("arguments that run a server")
    };
    let config = Config::new(&options).expect("valid options");
    let server = Server::bind(config).expect("a free port");
    let address = server.local_addr().expect("a server that listens");
    thread::spawn(|| server.run());
    address.to_string()
}
