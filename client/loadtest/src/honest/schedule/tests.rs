use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::thread;

use super::*;

const PUZZLE: &str = "2:1:1:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n";
const STAMP: &str = "3:1:1:261122105400:";
const BUSY: &str = "0:server is busy\n";
const NEAR: &[Duration] = &[Duration::ZERO];
const FAR: &[Duration] = &[Duration::from_millis(3)];
const LONG: Duration = Duration::from_secs(30);

/// A client's connection, as the server sees it.
struct Peer {
    reader: BufReader<TcpStream>,
}

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    fn source(&self) -> IpAddr {
        self.reader.get_ref().peer_addr().unwrap().ip()
    }

    /// Expects a line that begins with `start`, and sends `answer`.
    fn answer(&mut self, start: &str, answer: &str) {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.starts_with(start), "{line:?}");
        self.reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }

    /// Serves a client that does everything on this connection.
    fn serve(mut self) {
        self.answer("1:\n", PUZZLE);
        self.answer(STAMP, "4:paid\n");
    }
}

/// Runs a schedule against a server that plays `script`.
fn run_against(plan: &Plan, script: impl FnOnce(TcpListener) + Send) -> Results {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    thread::scope(|scope| {
        let script = scope.spawn(|| script(listener));
        let results = run(Target::new(server, false), plan).unwrap();
        // A script that still waits for a client gets one that says nothing, and fails.
        drop(TcpStream::connect(server));
        script.join().unwrap();
        results
    })
}

fn plan(rate: u32, clients: u32, distances: &'static [Duration]) -> Plan {
    Plan {
        rate,
        time: Duration::from_secs_f64(f64::from(clients) / f64::from(rate)),
        distances,
        timeout: LONG,
    }
}

/// Lets one client lose its first connection as `lose` does, and expects that it presents its stamp on
/// another one.
fn expect_reconnection(distances: &'static [Duration], lose: fn(Peer)) {
    let results = run_against(&plan(1, 1, distances), |listener| {
        let mut first = Peer::accept(&listener);
        let source = first.source();
        first.answer("1:\n", PUZZLE);
        lose(first);
        let mut second = Peer::accept(&listener);
        second.answer(STAMP, "");
        drop(second);
        let mut third = Peer::accept(&listener);
        assert_eq!(third.source(), source);
        third.answer(STAMP, "4:paid\n");
    });
    assert_eq!((results.succeeded(), results.failed()), (1, 0));
    assert_eq!(results.reconnections(0.5), Some(2));
}

#[test]
fn a_client_with_a_puzzle_presents_its_stamp_on_a_new_connection() {
    for distances in [NEAR, FAR] {
        expect_reconnection(distances, drop);
        expect_reconnection(distances, |mut client| client.answer(STAMP, BUSY));
        expect_reconnection(distances, |mut client| {
            client.reader.get_mut().write_all(BUSY.as_bytes()).unwrap();
        });
    }
}

#[test]
fn a_client_without_a_puzzle_fails_when_the_server_is_busy() {
    let results = run_against(&plan(1, 1, NEAR), |listener| {
        Peer::accept(&listener).answer("1:\n", BUSY);
    });
    assert_eq!(results.failures["refused: server is busy"], 1);
    assert_eq!(results.succeeded(), 0);
}

#[test]
fn a_refused_stamp_is_not_presented_again() {
    let results = run_against(&plan(1, 1, NEAR), |listener| {
        let mut client = Peer::accept(&listener);
        client.answer("1:\n", PUZZLE);
        client.answer(STAMP, "0:hashcash header not found\n");
    });
    assert_eq!(results.failures["refused: hashcash header not found"], 1);
}

#[test]
fn all_connections_of_a_client_have_one_timeout() {
    let plan = Plan {
        timeout: Duration::from_millis(200),
        ..plan(1, 1, NEAR)
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    // It loses every connection with a puzzle, for as long as there are any.
    thread::spawn(move || {
        loop {
            let mut client = Peer::accept(&listener);
            let mut line = String::new();
            client.reader.read_line(&mut line).unwrap();
            let answer = if line == "1:\n" { PUZZLE } else { BUSY };
            client
                .reader
                .get_mut()
                .write_all(answer.as_bytes())
                .unwrap();
        }
    });
    let results = run(Target::new(server, false), &plan).unwrap();
    assert_eq!((results.succeeded(), results.failed()), (0, 1));
}

#[test]
fn each_client_is_alone_at_its_address() {
    let results = run_against(&plan(1000, 5, NEAR), |listener| {
        let clients: Vec<_> = (0..5).map(|_| Peer::accept(&listener)).collect();
        let mut sources: Vec<_> = clients.iter().map(Peer::source).collect();
        sources.sort_unstable();
        sources.dedup();
        assert_eq!(sources.len(), 5);
        clients.into_iter().for_each(Peer::serve);
    });
    assert_eq!(results.succeeded(), 5);
}

#[test]
fn a_pause_of_the_server_delays_every_client_that_was_due_in_it() {
    // Forty clients are due in 0.4 s. The server serves none before the last of them has connected.
    let results = run_against(&plan(100, 40, NEAR), |listener| {
        let clients: Vec<_> = (0..40).map(|_| Peer::accept(&listener)).collect();
        clients.into_iter().for_each(Peer::serve);
    });
    assert_eq!(results.succeeded(), 40);
    // Half of them were due 0.2 s before, or longer.
    assert!(results.latency(0.5) >= Some(Duration::from_millis(180)));
    let unserved = results.intervals.unserved().unwrap();
    assert!(unserved >= 0.75, "{unserved}");
}

#[test]
fn the_latency_excludes_the_distance_and_the_wait_includes_it() {
    let results = run_against(&plan(1, 1, FAR), |listener| Peer::accept(&listener).serve());
    assert_eq!(results.succeeded(), 1);
    assert!(results.elapsed() >= 2 * FAR[0]);
    assert!(results.latency(1.0) <= Some(results.elapsed() - 2 * FAR[0]));
    assert!(results.wait(1.0) >= results.latency(1.0).map(|latency| latency + 2 * FAR[0]));
    assert_eq!(results.puzzles(), [1]);
}

#[test]
fn a_client_with_a_stamp_gives_up_a_server_that_is_gone_at_its_timeout() {
    let plan = Plan {
        rate: 1,
        time: Duration::ZERO,
        distances: NEAR,
        timeout: Duration::from_millis(300),
    };
    let results = run_against(&plan, |listener| {
        let mut peer = Peer::accept(&listener);
        drop(listener);
        peer.answer("1:\n", PUZZLE);
        peer.answer(STAMP, "");
    });
    assert_eq!(results.failed(), 1);
}
