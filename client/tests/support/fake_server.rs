//! A server that plays a script of the test to its clients.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::PATIENCE;
use super::program::{Outcome, client, outcome_of};

/// A server on a port of its own.
pub(crate) struct FakeServer<T> {
    address: String,
    results: Receiver<T>,
}

/// The client, as the script sees it.
pub(crate) struct Peer {
    reader: BufReader<TcpStream>,
}

/// Lets `script` serve one run of the client, which is quiet; returns how both ended.
pub(crate) fn serve_once<T: Send + 'static>(
    arguments: &[&str],
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (Outcome, T) {
    let server = FakeServer::start(script);
    let arguments = [&["--quiet", server.address()], arguments].concat();
    let outcome = outcome_of(client(&arguments));
    (outcome, server.finish())
}

impl<T: Send + 'static> FakeServer<T> {
    /// Plays `script` to the first client that connects.
    pub(crate) fn start(script: impl FnOnce(Peer) -> T + Send + 'static) -> Self {
        Self::listen(|listener, results| {
            // A test that failed waits for no result; so below.
            let _ = results.send(script(Peer::accept(&listener)));
        })
    }

    /// Plays `script` to every client that connects, to all of them at once.
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
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port that is free");
        let address = listener.local_addr().expect("a bound socket").to_string();
        let (sender, results) = mpsc::channel();
        thread::spawn(move || serve(listener, sender));
        Self { address, results }
    }

    /// `IP:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the end of a script that was not waited for yet; returns its result.
    #[track_caller]
    pub(crate) fn finish(&self) -> T {
        let result = self.results.recv_timeout(PATIENCE);
        result.expect("a script that came to its end")
    }
}

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().expect("a client that connects");
        Self::new(stream)
    }

    /// The client at the other end of `stream`.
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

    /// Where the client connects from.
    pub(crate) fn ip(&self) -> IpAddr {
        let address = self.stream().peer_addr();
        address.expect("a client that is connected").ip()
    }

    /// The next line of the client, its `\n` included.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.expect("a client that goes on");
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Waits for the client to have sent something, and leaves it in the socket.
    pub(crate) fn wait_for_bytes(&self) {
        let peeked = self.stream().peek(&mut [0]);
        assert_eq!(peeked.ok(), Some(1), "a client that speaks first");
    }

    /// Reads the request for a puzzle, and answers it with `bytes`.
    pub(crate) fn answer_request(&mut self, bytes: impl AsRef<[u8]>) {
        assert_eq!(self.line(), "1:\n");
        self.send(bytes);
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("a client that still reads");
    }

    /// Sends `line` a byte at a time.
    pub(crate) fn send_bytewise(&mut self, line: impl AsRef<[u8]>) {
        for byte in line.as_ref() {
            self.send([*byte]);
        }
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// Ends the server's half of the connection, and waits for the client to end the other half.
    /// Returns what the client still sent.
    pub(crate) fn rest(mut self) -> String {
        // A client that broke the connection has ended both halves.
        let _ = self.stream().shutdown(Shutdown::Write);
        self.rest_while_open()
    }

    /// Waits for the client to close, without closing; returns what it still sent.
    pub(crate) fn rest_while_open(&mut self) -> String {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => String::from_utf8_lossy(&rest).into_owned(),
        }
    }

    /// Sends `byte` over and over with `pause` in between, until the client closes.
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
