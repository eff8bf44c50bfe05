//! The real server, on a thread of the test.

use std::ffi::OsString;
use std::thread;

use powtcp_common::options::Request;
use powtcp_server::config::{Config, PROGRAM};
use powtcp_server::server::Server;
use powtcp_testkit::scratch::Scratch;

/// Starts a server whose only resource is `resource`, on a free port of 127.0.0.1 unless
/// `arguments` say otherwise, and returns its address. It runs until the test program ends.
pub(crate) fn serve(resource: &str, arguments: &[&str]) -> String {
    let scratch = Scratch::new();
    let resources = scratch.file("resources", format!("{resource}\n"));
    let listen: &[&str] = if arguments.contains(&"--listen") {
        &[]
    } else {
        &["--listen", "127.0.0.1:0"]
    };
    let fixed = ["--resources", &resources, "--log-level", "error"];
    let server = bind([&fixed, listen, arguments].concat(), []);
    let address = server.local_addr().expect("a server that listens");
    thread::spawn(|| server.run());
    address.to_string()
}

/// Creates a server from `arguments` and the variables of `environment`.
pub(crate) fn bind(
    arguments: Vec<impl Into<OsString>>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Server {
    let arguments = arguments.into_iter().map(Into::into).collect();
    let Ok(Request::Run(options)) = PROGRAM.read(arguments, environment) else {
        panic!("valid arguments")
    };
    let config = Config::new(&options).expect("valid options");
    Server::bind(config).expect("a free port")
}
