//! A server that plays a script of the test on each connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long to wait for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The line of a puzzle of `bits` bits.
pub(crate) fn puzzle_line(bits: u8) -> String {
    format!("2:1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n")
}

/// What a server does on one connection. It returns what the test should know.
pub(crate) type Script = fn(&mut Peer) -> String;

/// The client, as a script sees it.
pub(crate) struct Peer(BufReader<TcpStream>);

/// Plays the scripts, each on one connection, in turn. Returns the address of the server, and the
/// results of the scripts.
pub(crate) fn serve<const N: usize>(scripts: [Script; N]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket").to_string();
    let (sender, results) = channel();
    thread::spawn(move || {
        for script in scripts {
            let (stream, _) = listener.accept().expect("a client that connects");
            let mut peer = Peer::new(stream);
            // The receiver is gone if the test has failed already.
            let _ = sender.send(script(&mut peer));
        }
    });
    (address, results)
}

/// Returns the result of the next script.
#[track_caller]
pub(crate) fn result_of(results: &Receiver<String>) -> String {
    results.recv_timeout(PATIENCE).expect("a script that ends")
}

impl Peer {
    /// Creates a peer for the client at the other end of `stream`.
    pub(crate) fn new(stream: TcpStream) -> Self {
        let set = stream.set_read_timeout(Some(PATIENCE));
        set.expect("an option that every socket has");
        Self(BufReader::new(stream))
    }

    /// Returns the next line of the client, with its `\n`.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a client that sends");
        line
    }

    /// Sends `text`.
    pub(crate) fn send(&mut self, text: &str) {
        let sent = self.0.get_mut().write_all(text.as_bytes());
        sent.expect("a client that still reads");
    }

    /// Answers a request with a puzzle of `bits` bits.
    pub(crate) fn issue(&mut self, bits: u8) {
        assert_eq!(self.line(), "1:\n");
        self.send(&puzzle_line(bits));
    }

    /// Waits until the client closes, and returns what it still sent.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        let _ = self.0.read_to_string(&mut rest);
        rest
    }
}
