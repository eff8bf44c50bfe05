//! Guards `scripts/haproxy.cfg`: HAProxy accepts it, and with it two gates serve every honest client, whatever
//! becomes of one of them.

use std::fs;
use std::net::TcpListener;
use std::thread;

use powtcp_testkit::scratch::Scratch;

use super::haproxy::{Haproxy, LISTENER};
use crate::support::client::Client;
use crate::support::gate::{CONNECTED, paid};
use crate::support::honest::Honest;
use crate::support::page::Page;
use crate::support::server::{ServerProcess, serve};
use crate::support::solving::right_line;
use crate::support::tools::{installed, repository_file, succeed};

const CONFIG: &str = include_str!("../../../../scripts/haproxy.cfg");
const CLIENTS: usize = 6;

/// A gate, and its page for health checks.
struct CheckedGate {
    server: ServerProcess,
    page: Page,
}

/// The two gates of the file, and HAProxy in front of them.
struct Example {
    gates: [CheckedGate; 2],
    haproxy: Haproxy,
    _secret: Scratch,
}

impl Example {
    /// Starts all of it. Returns `None` if HAProxy is not installed.
    #[track_caller]
    fn start() -> Option<Self> {
        let scratch = Scratch::new();
        let secret = scratch.file("secret", "0123456789abcdef0123456789abcdef");
        let upstream = upstream();
        let gates = [(), ()].map(|()| CheckedGate::start(&upstream, &secret));
        let mut config = CONFIG.to_string();
        replace(
            &mut config,
            "bind :::8080 v4v6\n",
            &format!("bind {LISTENER}\n"),
        );
        for (number, gate) in (1..).zip(&gates) {
            let fixed = format!("127.0.0.1:808{number} port 910{number}\n");
            let (server, page) = (gate.server.address(), gate.page.address());
            replace(
                &mut config,
                &fixed,
                &format!("{server} port {}\n", page.port()),
            );
        }
        Some(Self {
            gates,
            haproxy: Haproxy::start(config)?,
            _secret: scratch,
        })
    }

    /// Returns the number of the gate that has sent a puzzle, from 1 on, and both gates with that one first.
    #[track_caller]
    fn in_use(self) -> (usize, [CheckedGate; 2], Haproxy) {
        let Self { gates, haproxy, .. } = self;
        let [first, second] = gates;
        match [&first, &second].map(CheckedGate::puzzles) {
            [sent, 0] if sent > 0 => (1, [first, second], haproxy),
            [0, sent] if sent > 0 => (2, [second, first], haproxy),
            counts => panic!("puzzles sent: {counts:?}"),
        }
    }
}

impl CheckedGate {
    fn start(upstream: &str, secret: &str) -> Self {
        let mut server = serve(&[
            "--bits",
            "12",
            "--accept-proxy",
            "127.0.0.1",
            "--metrics",
            "127.0.0.1:0",
            "--upstream",
            upstream,
            "--secret",
            secret,
        ]);
        let page = Page::of(&mut server);
        Self { server, page }
    }

    /// Returns how many puzzles the gate has sent.
    fn puzzles(&self) -> u64 {
        self.page.values()["powtcp_puzzles_issued_total"] as u64
    }

    /// Ends the gate by this signal.
    fn end(self, signal: &str) {
        self.server.signal(signal);
        self.server.finish();
    }
}

/// Starts a service that closes each connection, and returns its address.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket").to_string();
    thread::spawn(move || listener.incoming().for_each(drop));
    address
}

/// Replaces the one `old` in the file.
#[track_caller]
fn replace(config: &mut String, old: &str, new: &str) {
    assert_eq!(config.matches(old).count(), 1, "{old:?} in the file");
    *config = config.replace(old, new);
}

#[test]
fn haproxy_accepts_the_example_as_it_is() {
    let Some(mut haproxy) = installed("haproxy") else {
        return;
    };
    let (stdout, stderr) =
        succeed(haproxy.args(["-c", "-f", &repository_file("scripts/haproxy.cfg")]));
    // HAProxy writes its warnings to either.
    assert_eq!((stdout + &stderr).trim(), "Configuration file is valid");
}

#[test]
fn the_page_for_operators_starts_the_gates_of_the_example() {
    let page = fs::read_to_string(repository_file("server/README.md"));
    let page = page.expect("a page of this repository");
    for number in [1, 2] {
        let started = format!("--listen 127.0.0.1:808{number} --metrics 127.0.0.1:910{number} ");
        assert!(page.contains(&started), "{started}");
    }
}

#[test]
fn a_source_stays_at_its_gate_and_its_stamp_is_good_at_the_other() {
    let Some(example) = Example::start() else {
        return;
    };
    let mut puzzle = String::new();
    for _ in 0..4 {
        puzzle = example.haproxy.client_from("127.0.0.5").puzzle();
    }
    let (_, [used, unused], _haproxy) = example.in_use();
    assert_eq!(used.puzzles(), 4);
    let source = "127.0.0.5".parse().expect("an address");
    let mut client = Client::connect_from(source, unused.server.address());
    client.send(right_line(&puzzle));
    assert_eq!(client.line(), CONNECTED);
}

#[test]
fn a_stamp_of_a_killed_gate_is_good_through_haproxy_at_once() {
    let Some(example) = Example::start() else {
        return;
    };
    let line = right_line(&example.haproxy.client_from("127.0.0.5").puzzle());
    let (number, [used, _other], mut haproxy) = example.in_use();
    used.end("KILL");
    // HAProxy has not noticed yet.
    let mut client = haproxy.client_from("127.0.0.5");
    client.send(line);
    assert_eq!(client.line(), CONNECTED);
    haproxy.wait_for(&format!("Server gates/gate{number} is DOWN"));
    assert_eq!(paid(&mut haproxy.client_from("127.0.0.6")), CONNECTED);
}

/// Ends the gate of all clients by this signal while they pay.
fn end_under_load(signal: &str) {
    let Some(example) = Example::start() else {
        return;
    };
    let honest = Honest::start(CLIENTS, example.haproxy.address());
    honest.expect_served(5);
    // All clients are one source, so that all of them lose their gate.
    let (number, [used, other], mut haproxy) = example.in_use();
    used.end(signal);
    honest.expect_served(5);
    haproxy.wait_for(&format!("Server gates/gate{number} is DOWN"));
    honest.expect_served(5);
    honest.stop();
    assert!(other.puzzles() > 0);
}

#[test]
fn no_honest_client_fails_when_a_gate_is_killed_under_load() {
    end_under_load("KILL");
}

#[test]
fn no_honest_client_fails_when_a_gate_shuts_down_under_load() {
    end_under_load("TERM");
}
