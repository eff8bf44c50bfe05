//! A blocking client that sends what a test tells it to, and reads lines.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::process::{self, Command};
use std::sync::Once;
use std::time::Duration;

use powtcp_testkit::PATIENCE;
use socket2::{Domain, SockRef, Socket, Type};

use super::solving::right_line;

/// One connection to a server.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects to `server`.
    pub(crate) fn connect(server: SocketAddr) -> Self {
        Self::new(TcpStream::connect(server).expect("a server that listens"))
    }

    /// Connects from `source`, which may be any address of 127.0.0.0/8.
    pub(crate) fn connect_from(source: IpAddr, server: SocketAddr) -> Self {
        let socket =
            Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket");
        socket
            .bind(&SocketAddr::new(source, 0).into())
            .and_then(|()| socket.connect(&server.into()))
            .expect("a server that listens");
        Self::new(socket.into())
    }

    /// Connects with a receive buffer of about `window` bytes, or the smallest that the system has.
    pub(crate) fn with_window(server: SocketAddr, window: usize) -> Self {
        let socket =
            Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket");
        socket
            .set_recv_buffer_size(window)
            .expect("an option that every socket has");
        socket
            .connect(&server.into())
            .expect("a server that listens");
        Self::new(socket.into())
    }

    /// Creates the client at this end of `stream`.
    pub(crate) fn new(stream: TcpStream) -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(raise_descriptor_limit);
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_nodelay(true))
            .expect("options that every socket has");
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// Returns the address that the server sees.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream().local_addr().expect("a connected socket")
    }

    /// Sends `bytes`.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("a server that still reads");
    }

    /// Sends `bytes`, or returns why the server does not take them.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// Sends `byte` as urgent data, which is not part of the stream.
    pub(crate) fn send_urgent(&self, byte: u8) {
        let sent = SockRef::from(self.stream()).send_out_of_band(&[byte]);
        assert_eq!(sent.ok(), Some(1));
    }

    /// Returns a second handle of the socket, to send from another thread.
    pub(crate) fn second_handle(&self) -> TcpStream {
        self.stream().try_clone().expect("a descriptor")
    }

    /// Ends the client's half of the connection with a FIN.
    pub(crate) fn finish_sending(&self) {
        self.stream()
            .shutdown(Shutdown::Write)
            .expect("a connected socket");
    }

    /// Returns the next line without its `\n`, which is empty at the end of the stream.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line or the end");
        line.trim_end_matches('\n').to_string()
    }

    /// Waits until there is something to read, and does not read it.
    pub(crate) fn wait_for_bytes(&self) {
        let len = self.stream().peek(&mut [0]).expect("an answer");
        assert_eq!(len, 1, "the stream ended");
    }

    /// Returns all lines up to the end of the stream, which must be a FIN and not an RST.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut rest = String::new();
        self.reader
            .read_to_string(&mut rest)
            .expect("the end of the stream, and no reset");
        rest.lines().map(str::to_string).collect()
    }

    /// Asks for a puzzle and returns the answer.
    pub(crate) fn puzzle(&mut self) -> String {
        self.send("1:\n");
        self.line()
    }

    /// Returns the next `len` bytes.
    #[track_caller]
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.reader.read_exact(&mut bytes).expect("more bytes");
        bytes
    }

    /// Returns all bytes up to the end of the stream, or how the connection broke.
    pub(crate) fn bytes_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Solves `puzzle`, sends the stamp and returns all answers to it.
    pub(crate) fn pay(&mut self, puzzle: &str) -> Vec<String> {
        self.send(right_line(puzzle));
        self.rest()
    }

    /// Asks for a puzzle, solves it, and expects the resource.
    #[track_caller]
    pub(crate) fn handshake(mut self) {
        let puzzle = self.puzzle();
        assert_served(&self.pay(&puzzle));
    }

    /// Closes the connection with an RST.
    pub(crate) fn reset(self) {
        SockRef::from(self.stream())
            .set_linger(Some(Duration::ZERO))
            .expect("an option that every socket has");
    }

    fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}

/// Raises the soft limit on file descriptors of this process, if the hard limit allows: tests run at the
/// same time and hold some thousand connections together, and the usual limit is 1,024.
fn raise_descriptor_limit() {
    const ENOUGH: u64 = 4_096;
    let limits = fs::read_to_string("/proc/self/limits").expect("a process that runs");
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut values = line.expect("a line of proc(5)").split_whitespace();
    let mut next = || values.next().and_then(|value| value.parse().ok());
    if let (Some(soft), Some(hard)) = (next(), next())
        && soft < ENOUGH.min(hard)
    {
        let pid = process::id().to_string();
        let limit = format!("--nofile={}:", ENOUGH.min(hard));
        // Where this fails, the tests with most clients do, and say so.
        let _ = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status();
    }
}

/// Expects `answers` to be a resource and nothing else.
#[track_caller]
pub(crate) fn assert_served(answers: &[String]) {
    assert!(
        matches!(answers, [resource] if resource.len() > 2 && resource.starts_with("4:")),
        "{answers:?}"
    );
}
