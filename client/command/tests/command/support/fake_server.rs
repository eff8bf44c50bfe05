//! A server that plays the scripts of a test to its clients.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use powtcp_testkit::PATIENCE;
use powtcp_testkit::process::Outcome;
use socket2::SockRef;

use super::program::{client, outcome_of};
use super::puzzles::puzzle_line;

/// A server on a port of its own. It listens until it is dropped, also after its last script.
pub(crate) struct FakeServer<T> {
    listener: TcpListener,
    address: String,
    results: Receiver<T>,
}

/// What a server does on one connection.
pub(crate) type Script<T> = Box<dyn FnOnce(Peer) -> T + Send>;

/// The client, as a script sees it.
pub(crate) struct Peer {
    reader: BufReader<TcpStream>,
}

/// Plays `script` to a quiet client that never retries. Returns how both ended.
#[track_caller]
pub(crate) fn serve_once<T: Send + 'static>(
    arguments: &[&str],
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (Outcome, T) {
    let server = FakeServer::start(script);
    let fixed = ["--quiet", "--retry", "0", server.address()];
    let outcome = outcome_of(client(&[&fixed, arguments].concat()));
    (outcome, server.finish())
}

impl<T: Send + 'static> FakeServer<T> {
    /// Plays `script` to the first client that connects.
    pub(crate) fn start(script: impl FnOnce(Peer) -> T + Send + 'static) -> Self {
        Self::start_in_turn([Box::new(script) as Script<T>])
    }

    /// Plays the first script on the first connection, then the second on the second, and so on.
    pub(crate) fn start_in_turn<const N: usize>(scripts: [Script<T>; N]) -> Self {
        Self::listen(move |listener, results| {
            for script in scripts {
                // A failed test waits for no result; the same below.
                let _ = results.send(script(Peer::accept(&listener)));
            }
        })
    }

    /// Plays `script` on every connection, on all of them at the same time.
    pub(crate) fn start_for_many(script: impl Fn(Peer) -> T + Send + Sync + 'static) -> Self {
        let script = Arc::new(script);
        Self::listen(move |listener, results| {
            loop {
                let peer = Peer::accept(&listener);
                let (script, results) = (Arc::clone(&script), results.clone());
                thread::spawn(move || results.send(script(peer)).ok());
            }
        })
    }

    fn listen(serve: impl FnOnce(TcpListener, Sender<T>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket").to_string();
        let (sender, results) = mpsc::channel();
        let shared = listener.try_clone().expect("a descriptor");
        thread::spawn(move || serve(shared, sender));
        Self {
            listener,
            address,
            results,
        }
    }

    /// Returns `IP:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the end of the next script, and returns its result.
    #[track_caller]
    pub(crate) fn finish(&self) -> T {
        let result = self.results.recv_timeout(PATIENCE);
        result.expect("a script that ends")
    }

    /// Expects that no connection waits, after all scripts and the client have ended.
    #[track_caller]
    pub(crate) fn assert_no_further_connection(&self) {
        assert!(self.results.try_recv().is_err());
        let nonblocking = self.listener.set_nonblocking(true);
        nonblocking.expect("an option that every socket has");
        let kind = self.listener.accept().map_err(|error| error.kind());
        assert_eq!(kind.err(), Some(ErrorKind::WouldBlock));
    }
}

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().expect("a client that connects");
        Self::new(stream)
    }

    /// Creates a peer for the client at the other end of `stream`.
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_nodelay(true))
            .expect("options that every socket has");
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// Returns the next line of the client, with its `\n`.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.expect("a client that sends more");
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Waits until the client has sent something, and leaves it in the socket.
    pub(crate) fn wait_for_bytes(&self) {
        let peeked = self.stream().peek(&mut [0]);
        assert_eq!(peeked.ok(), Some(1), "a client that sends first");
    }

    /// Reads the request for a puzzle, and answers it with `bytes`.
    pub(crate) fn answer_request(&mut self, bytes: impl AsRef<[u8]>) {
        assert_eq!(self.line(), "1:\n");
        self.send(bytes);
    }

    /// Plays an honest server up to the stamp, and returns the line with the stamp.
    pub(crate) fn take_stamp(&mut self) -> String {
        self.answer_request(puzzle_line(8));
        let line = self.line();
        assert!(line.starts_with("3:1:8:"), "{line:?}");
        line
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("a client that still reads");
    }

    /// Sends `line` one byte at a time.
    pub(crate) fn send_bytewise(&mut self, line: impl AsRef<[u8]>) {
        for byte in line.as_ref() {
            self.send([*byte]);
        }
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// Sends `bytes`, then ends the stream and waits until the client closes. Returns what the client
    /// still sent.
    pub(crate) fn end_with(mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes);
        self.rest()
    }

    /// Ends the stream to the client, and waits until the client closes. Returns what the client
    /// still sent.
    pub(crate) fn rest(mut self) -> String {
        // If the client has reset the connection, both directions have ended already.
        let _ = self.stream().shutdown(Shutdown::Write);
        self.rest_while_open()
    }

    /// Waits until the client closes, without closing first. Returns what the client still sent.
    pub(crate) fn rest_while_open(&mut self) -> String {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => String::from_utf8_lossy(&rest).into_owned(),
        }
    }

    /// Resets the connection at once.
    pub(crate) fn reset(self) {
        // Without lingering, closing sends an RST (socket(7)).
        let socket = SockRef::from(self.stream());
        let linger = socket.set_linger(Some(Duration::ZERO));
        linger.expect("an option that every socket has");
    }

    /// Sends `byte` again and again, with `pause` in between, until the client closes.
    pub(crate) fn drip(&mut self, byte: u8, pause: Duration) {
        self.stream()
            .set_read_timeout(Some(pause))
            .expect("an option that every socket has");
        while self.try_send([byte]).is_ok() {
            match self.reader.read(&mut [0]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
                Ok(_) => panic!("the client should wait for its answer"),
            }
        }
    }

    fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}
