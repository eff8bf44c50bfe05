//! A client that blocks: it sends what a test tells it to, and reads lines.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::PATIENCE;
use super::solving::right_line;

/// One connection to a server.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(server: SocketAddr) -> Self {
        Self::new(TcpStream::connect(server).expect("a server that listens"))
    }

    /// A client that comes from `source`, any address of 127.0.0.0/8.
    pub(crate) fn connect_from(source: IpAddr, server: SocketAddr) -> Self {
        let socket =
            Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket more");
        socket
            .bind(&SocketAddr::new(source, 0).into())
            .and_then(|()| socket.connect(&server.into()))
            .expect("a server that listens");
        Self::new(socket.into())
    }

    /// A client whose system takes about `window` bytes that nobody has read, or as few as it can.
    pub(crate) fn with_window(server: SocketAddr, window: usize) -> Self {
        let socket =
            Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket more");
        socket
            .set_recv_buffer_size(window)
            .expect("an option that every socket has");
        socket
            .connect(&server.into())
            .expect("a server that listens");
        Self::new(socket.into())
    }

    fn new(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_nodelay(true))
            .expect("options that every socket has");
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// The address that the server sees.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream().local_addr().expect("a connected socket")
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("a server that still reads");
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// The same connection, to send from another thread.
    pub(crate) fn second_handle(&self) -> TcpStream {
        self.stream().try_clone().expect("a descriptor more")
    }

    /// Ends the client's half of the connection.
    pub(crate) fn finish_sending(&self) {
        self.stream()
            .shutdown(Shutdown::Write)
            .expect("a connected socket");
    }

    /// The next line without its `\n`; empty at the end of the stream.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line or the end");
        line.trim_end_matches('\n').to_string()
    }

    /// Waits for something to read, and leaves it there.
    pub(crate) fn wait_for_bytes(&self) {
        let len = self.stream().peek(&mut [0]).expect("an answer");
        assert_eq!(len, 1, "the stream ended");
    }

    /// All lines up to the end of the stream, which must be a proper one.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut rest = String::new();
        self.reader
            .read_to_string(&mut rest)
            .expect("the end of the stream, and no reset");
        rest.lines().map(str::to_string).collect()
    }

    /// Asks for a puzzle; returns the answer.
    pub(crate) fn puzzle(&mut self) -> String {
        self.send("1:\n");
        self.line()
    }

    /// Solves `puzzle`; returns all that comes for it.
    pub(crate) fn pay(&mut self, puzzle: &str) -> Vec<String> {
        self.send(right_line(puzzle));
        self.rest()
    }

    /// A whole handshake.
    #[track_caller]
    pub(crate) fn handshake(mut self) {
        let puzzle = self.puzzle();
        assert_served(&self.pay(&puzzle));
    }

    /// Breaks the connection: the server gets an RST and nothing else.
    pub(crate) fn reset(self) {
        SockRef::from(self.stream())
            .set_linger(Some(Duration::ZERO))
            .expect("an option that every socket has");
    }

    fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}

/// Whether `answers` are a resource and nothing else.
#[track_caller]
pub(crate) fn assert_served(answers: &[String]) {
    assert!(
        matches!(answers, [resource] if resource.len() > 2 && resource.starts_with("4:")),
        "{answers:?}"
    );
}
