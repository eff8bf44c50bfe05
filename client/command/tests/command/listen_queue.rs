//! Local connections that wait: for a place, for their payment, and for its turn to solve.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;

use powtcp_client::Payer;
use powtcp_client_command::listen::{Forwarder, MOST_PAYMENTS};
use powtcp_client_command::report::{Reporter, Verbosity};
use powtcp_testkit::PATIENCE;

use crate::forwarder::{connect, exchange, forwarder_with, reads_reset, reset};
use crate::script::{ENDLESS, endless_puzzle_line};
use crate::support::fake_server::{FakeServer, Peer};

const CONNECTED: &str = "4:connected\n";

/// What the client tells about a connection that is reset before it is relayed.
const LEFT: &str = "the local connection was reset before it was relayed";

/// With these options the client ends no payment that the gate leaves without an answer.
const PATIENT: [&str; 2] = ["--timeout", "1h"];

/// More connections than payments are under way at once.
const MANY: usize = 12;

/// Returns what the client sends, after its end.
fn answer(mut client: Peer) {
    client.take_stamp();
    client.send(CONNECTED);
    let sent = client.rest_while_open();
    client.send(sent);
}

/// Reads up to the end of the stream.
#[track_caller]
fn to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an end, no reset");
    bytes
}

fn address_of(stream: &TcpStream) -> String {
    stream.local_addr().expect("a socket").to_string()
}

#[test]
fn a_connection_beyond_the_bound_waits_and_is_served_when_another_ends() {
    const MOST: usize = 2;
    let open = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&open);
    let gate = FakeServer::start_for_many(move |mut client| {
        assert!(seen.fetch_add(1, SeqCst) < MOST);
        client.take_stamp();
        client.send(CONNECTED);
        let sent = client.rest_while_open();
        seen.fetch_sub(1, SeqCst);
        client.send(sent);
    });
    let reporter = Arc::new(Reporter::new(Verbosity::Quiet));
    let server = gate.address().to_string();
    let forwarder = Forwarder::bind("127.0.0.1:0", server, Payer::new(), reporter)
        .expect("a free port")
        .at_most(MOST);
    let address = forwarder.local_addr().expect("a socket").to_string();
    thread::spawn(move || forwarder.serve());
    for _ in 0..3 {
        let streams: Vec<_> = (0..MANY).map(|_| connect(&address)).collect();
        for stream in streams {
            assert_eq!(exchange(stream, b"all"), b"all");
            gate.finish();
        }
    }
    assert_eq!(open.load(SeqCst), 0);
}

#[test]
fn a_connection_that_the_gate_leaves_without_an_answer_does_not_stop_the_others() {
    let connections = AtomicUsize::new(0);
    let (stalled, is_stalled) = mpsc::channel();
    let gate = FakeServer::start_for_many(move |mut client| {
        if connections.fetch_add(1, SeqCst) == 0 {
            stalled.send(()).expect("a test that waits for this");
            client.rest_while_open();
        } else {
            answer(client);
        }
    });
    let (_running, address) = forwarder_with(&PATIENT, gate.address());
    let first = connect(&address);
    is_stalled.recv_timeout(PATIENCE).expect("a connection");
    for _ in 0..3 {
        assert_eq!(exchange(connect(&address), b"served"), b"served");
    }
    drop(first);
}

/// A gate that lets payments wait, and the door that they wait for.
struct SlowGate {
    server: FakeServer<()>,
    door: Arc<Mutex<()>>,
    /// Tells of each connection.
    connected: Receiver<()>,
}

impl SlowGate {
    fn start() -> Self {
        let door = Arc::new(Mutex::new(()));
        let (sender, connected) = mpsc::channel();
        let closed = Arc::clone(&door);
        let server = FakeServer::start_for_many(move |client| {
            // The receiver is gone if the test has failed already.
            let _ = sender.send(());
            drop(closed.lock());
            answer(client);
        });
        Self {
            server,
            door,
            connected,
        }
    }

    /// Starts as many payments as are under way at once.
    #[track_caller]
    fn fill(&self, address: &str) -> Vec<TcpStream> {
        let connect_one = |_| {
            let stream = connect(address);
            self.wait_for_connection();
            stream
        };
        (0..MOST_PAYMENTS).map(connect_one).collect()
    }

    #[track_caller]
    fn wait_for_connection(&self) {
        let connected = self.connected.recv_timeout(PATIENCE);
        connected.expect("a connection of the client");
    }
}

#[test]
fn a_connection_that_is_reset_in_the_queue_is_not_paid_for() {
    let gate = SlowGate::start();
    let closed = gate.door.lock().expect("no panic before");
    let (mut running, address) = forwarder_with(&PATIENT, gate.server.address());
    let first = gate.fill(&address);
    let gone = [b"".as_slice(), b"request"].map(|sent| {
        let mut stream = connect(&address);
        stream.write_all(sent).expect("a connection");
        let own = address_of(&stream);
        reset(stream);
        own
    });
    // The end of a stream is no reset: the answer may still be wanted.
    let last = connect(&address);
    last.shutdown(Shutdown::Write).expect("a connection");
    drop(closed);
    for stream in first {
        assert_eq!(exchange(stream, b"served"), b"served");
    }
    let mut told = [running.wait_for(LEFT), running.wait_for(LEFT)];
    told.sort();
    let mut expected = gone.map(|own| format!("powtcp-client: {own}: {LEFT}"));
    expected.sort();
    assert_eq!(told, expected);
    gate.wait_for_connection();
    assert_eq!(to_end(last), b"");
    assert!(gate.connected.try_recv().is_err(), "one payment too many");
}

#[test]
fn a_connection_that_is_reset_while_its_puzzle_is_solved_ends_the_search() {
    let (issued, is_issued) = mpsc::channel();
    let connections = AtomicUsize::new(0);
    let gate = FakeServer::start_for_many(move |mut client| {
        if connections.fetch_add(1, SeqCst) > 0 {
            answer(client);
            return String::new();
        }
        client.answer_request(endless_puzzle_line());
        issued.send(()).expect("a test that waits for this");
        client.rest_while_open()
    });
    let (mut running, address) = forwarder_with(&ENDLESS, gate.address());
    let stream = connect(&address);
    is_issued.recv_timeout(PATIENCE).expect("a connection");
    let own = address_of(&stream);
    // This payment waits for its turn to solve.
    let next = connect(&address);
    reset(stream);
    assert_eq!(gate.finish(), "", "a stamp");
    let line = running.wait_for(LEFT);
    assert_eq!(line, format!("powtcp-client: {own}: {LEFT}"));
    assert_eq!(exchange(next, b"served"), b"served");
}

#[test]
fn a_signal_ends_the_client_with_status_0_while_connections_wait() {
    for signal in ["INT", "TERM"] {
        let gate = SlowGate::start();
        let closed = gate.door.lock().expect("no panic before");
        let (running, address) = forwarder_with(&PATIENT, gate.server.address());
        let under_way = gate.fill(&address);
        let waiting: Vec<_> = (0..MANY).map(|_| connect(&address)).collect();
        running.signal(signal);
        assert_eq!(running.finish().status, Some(0));
        for stream in &under_way {
            assert!(reads_reset(stream));
        }
        // One that was accepted in this moment ends with a FIN.
        for mut stream in waiting {
            let ended = stream.read(&mut [0]).map_err(|error| error.kind());
            let is_end = matches!(ended, Ok(0) | Err(ErrorKind::ConnectionReset));
            assert!(is_end, "{ended:?}");
        }
        drop(closed);
    }
}
