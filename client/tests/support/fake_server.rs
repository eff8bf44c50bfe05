//! A server that plays the scripts of a test to its clients.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use powtcp_testkit::PATIENCE;

/// A server on a free port. It listens until it is dropped, also after its last script.
pub(crate) struct FakeServer<T> {
    listener: TcpListener,
    address: String,
    results: Receiver<T>,
}

/// The client, as the script sees it.
pub(crate) struct Peer {
    reader: BufReader<TcpStream>,
}

impl<T: Send + 'static> FakeServer<T> {
    /// Plays `script` to the first client that connects.
    pub(crate) fn start(script: impl FnOnce(Peer) -> T + Send + 'static) -> Self {
        Self::listen(|listener, results| {
            // The receiver is gone if the test has failed already.
            let _ = results.send(script(Peer::accept(&listener)));
        })
    }

    /// Plays `script` to every client that connects, on a thread for each.
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

    /// Lets `serve` accept connections, and send the results of its scripts, on a thread.
    pub(crate) fn listen(serve: impl FnOnce(TcpListener, Sender<T>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket").to_string();
        let (sender, results) = mpsc::channel();
        let shared = listener.try_clone().expect("a free descriptor");
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

    /// Waits for the end of one script, and returns its result. Each script is waited for once.
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
    /// Waits for the next client.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().expect("a client that connects");
        Self::new(stream)
    }

    /// Returns the client at the other end of `stream`.
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

    /// Reads the next line of the client, and returns it with its `\n`.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.expect("a client that still sends");
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Reads the request for a puzzle, and answers it with `bytes`.
    pub(crate) fn answer_request(&mut self, bytes: impl AsRef<[u8]>) {
        assert_eq!(self.line(), "1:\n");
        self.send(bytes);
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

    /// Sends a FIN, waits for the client to close, and returns what it still sent.
    pub(crate) fn rest(mut self) -> String {
        // This fails after an RST, which has closed both directions already.
        let _ = self.stream().shutdown(Shutdown::Write);
        self.rest_while_open()
    }

    /// Waits for the client to close, without closing, and returns what it still sent.
    pub(crate) fn rest_while_open(&mut self) -> String {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => String::from_utf8_lossy(&rest).into_owned(),
        }
    }

    /// Returns the socket.
    pub(crate) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}
