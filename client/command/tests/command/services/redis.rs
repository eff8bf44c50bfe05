//! Redis on a Unix socket behind a gate, and its clients through a local forwarder.

use powtcp_testkit::process::{Program, command};
use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::tools::installed;

use super::{gate_to_socket, start_service, text_of};
use crate::forwarder::forwarder;

/// A Redis that is reached through a gate and a forwarder.
struct Redis {
    port: String,
    _forwarder: Program,
    _server: Program,
    _scratch: Scratch,
}

impl Redis {
    /// Starts a server. Returns `None` if a program is missing.
    #[track_caller]
    fn start() -> Option<Self> {
        let mut server = installed("redis-server")?;
        installed("redis-cli")?;
        installed("redis-benchmark")?;
        let scratch = Scratch::new();
        let socket = scratch.path().join("redis.sock");
        server.args(["--port", "0", "--save", "", "--logfile", "/dev/stderr"]);
        server.arg("--unixsocket").arg(&socket);
        server.arg("--dir").arg(scratch.path());
        let server = start_service(server, "ready to accept connections");
        let (forwarder, address) = forwarder(&gate_to_socket(&socket));
        let (_, port) = address.rsplit_once(':').expect("an address with a port");
        Some(Self {
            port: port.into(),
            _forwarder: forwarder,
            _server: server,
            _scratch: scratch,
        })
    }

    /// Runs a client of Redis and returns what it prints.
    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let fixed = ["-h", "127.0.0.1", "-p", &self.port];
        text_of(command(program, &[&fixed, arguments].concat()))
    }
}

#[test]
fn redis_cli_stores_and_reads_a_value() {
    let Some(redis) = Redis::start() else { return };
    assert_eq!(redis.run("redis-cli", &["set", "key", "value"]), "OK\n");
    assert_eq!(redis.run("redis-cli", &["get", "key"]), "value\n");
}

#[test]
fn redis_benchmark_has_all_its_requests_answered() {
    let Some(redis) = Redis::start() else { return };
    let arguments = ["-n", "2000", "-c", "8", "-t", "set,get", "--csv"];
    let table = redis.run("redis-benchmark", &arguments);
    let statistics = redis.run("redis-cli", &["info", "commandstats"]);
    for name in ["set", "get"] {
        let row = format!("\"{}\",", name.to_uppercase());
        assert!(table.contains(&row), "{table}");
        let calls = format!("cmdstat_{name}:calls=2000,");
        assert!(statistics.contains(&calls), "{statistics}");
    }
}
