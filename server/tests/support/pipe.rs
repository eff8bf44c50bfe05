//! A connection without a network: its state, which both ends share, and the server's end as a socket.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use powtcp_server::net::io::Socket;
use powtcp_server::net::token::Token as ServerToken;

/// The state of a connection between a client and the server.
#[derive(Default)]
pub(crate) struct Pipe {
    /// Bytes that have arrived and that the server has not read.
    pub(crate) unread: VecDeque<u8>,
    /// The client has ended its stream.
    pub(crate) ended: bool,
    /// The client has reset the connection.
    pub(crate) reset: bool,
    /// The system cannot register this socket with the poll.
    pub(crate) unwatchable: bool,
    /// How many bytes of answers the client still takes; `None` if it takes all.
    window: Option<usize>,
    /// Whether the client takes all answers from the start, so that none ever waits in the server.
    #[allow(dead_code, reason = "only the simulation reads it")]
    pub(crate) takes_all: bool,
    /// What the client has received.
    received: Vec<u8>,
    /// The server has ended its stream.
    pub(crate) shut: bool,
    /// The server has closed its socket.
    pub(crate) closed: bool,
    /// How many bytes the server had not read when it closed.
    #[allow(dead_code, reason = "only the simulation reads it")]
    pub(crate) unread_at_close: usize,
    /// How many bytes the server has read after its last answer.
    #[allow(dead_code, reason = "only the simulation reads it")]
    pub(crate) discarded: usize,
    /// Calls of `read` since a test last set this to zero.
    pub(crate) reads: usize,
    /// Calls of `read` in total, of which every fifth is interrupted.
    calls: usize,
    /// Calls of `write` in total, of which every third is interrupted.
    writes: usize,
    /// How often the socket was registered with the poll.
    pub(crate) registrations: usize,
    /// The key of the connection in the server's table, once it has one.
    pub(crate) key: Option<usize>,
    pub(crate) interest: Option<Interest>,
    /// Whether an edge-triggered poll would report an event.
    pub(crate) event: bool,
}

impl Pipe {
    /// Creates a connection of a client that takes `window` bytes of answers, or all.
    pub(crate) fn new(window: Option<usize>) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            window,
            takes_all: window.is_none(),
            ..Self::default()
        }))
    }

    /// Lets bytes of the client arrive.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if !self.closed && !self.reset && !self.ended {
            self.unread.extend(bytes);
            self.notify(!bytes.is_empty(), false);
        }
    }

    /// Lets the client end its stream.
    pub(crate) const fn end(&mut self) {
        self.ended = true;
        self.notify(true, false);
    }

    /// Lets the client take all answers from now on.
    pub(crate) const fn open_window(&mut self) {
        self.window = None;
        self.notify(false, true);
    }

    /// Returns the lines that the client has received.
    pub(crate) fn lines(&self) -> Vec<&str> {
        let text = str::from_utf8(&self.received).expect("answers are UTF-8");
        let lines = text.split_terminator('\n');
        lines.collect()
    }

    /// Returns the server's last answer, if the client has received it.
    pub(crate) fn last_answer(&self) -> Option<&str> {
        let line = self.lines().pop()?;
        (!line.starts_with("2:")).then_some(line)
    }

    /// Returns whether the client has received its resource.
    pub(crate) fn is_served(&self) -> bool {
        self.last_answer()
            .is_some_and(|word| word.starts_with("4:"))
    }

    const fn notify(&mut self, readable: bool, writable: bool) {
        if let Some(interest) = self.interest {
            self.event |= readable && interest.is_readable() || writable && interest.is_writable();
        }
    }
}

/// The server's end of a connection.
pub(crate) struct FakeSocket(pub(crate) Rc<RefCell<Pipe>>);

impl Read for FakeSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        pipe.calls += 1;
        if pipe.calls.is_multiple_of(5) {
            return Err(ErrorKind::Interrupted.into());
        }
        pipe.reads += 1;
        if pipe.reset {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if pipe.unread.is_empty() && !pipe.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        let len = pipe.unread.read(buffer)?;
        // A deque may return its two halves one after the other; a socket does not.
        let rest = pipe.unread.read(&mut buffer[len..])?;
        if pipe.last_answer().is_some() {
            pipe.discarded += len + rest;
        }
        Ok(len + rest)
    }
}

impl Write for FakeSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        assert!(!pipe.shut, "a write after the end of the stream");
        if pipe.reset {
            return Err(ErrorKind::BrokenPipe.into());
        }
        pipe.writes += 1;
        if pipe.writes.is_multiple_of(3) {
            return Err(ErrorKind::Interrupted.into());
        }
        let len = pipe.window.unwrap_or(usize::MAX).min(bytes.len());
        if len == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        pipe.window = pipe.window.map(|window| window - len);
        pipe.received.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for FakeSocket {
    fn register(&mut self, registry: &Registry, token: Token, to: Interest) -> io::Result<()> {
        if self.0.borrow().unwatchable {
            return Err(ErrorKind::StorageFull.into());
        }
        self.0.borrow_mut().key = key_of(token);
        self.reregister(registry, token, to)
    }

    /// Reports an event for what is ready already, as an edge-triggered poll does.
    fn reregister(&mut self, _: &Registry, token: Token, to: Interest) -> io::Result<()> {
        let mut pipe = self.0.borrow_mut();
        assert_eq!(pipe.key, key_of(token), "the token of another connection");
        pipe.interest = Some(to);
        pipe.registrations += 1;
        let readable = !pipe.unread.is_empty() || pipe.ended;
        let writable = pipe.window != Some(0);
        pipe.event = pipe.reset;
        pipe.notify(readable, writable);
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        self.0.borrow_mut().interest = None;
        Ok(())
    }
}

impl Socket for FakeSocket {
    fn shutdown_write(&self) -> io::Result<()> {
        let mut pipe = self.0.borrow_mut();
        if pipe.reset {
            return Err(ErrorKind::NotConnected.into());
        }
        pipe.shut = true;
        Ok(())
    }

    fn set_reset_on_close(&self, _: bool) {}

    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }
}

impl Drop for FakeSocket {
    fn drop(&mut self) {
        let mut pipe = self.0.borrow_mut();
        pipe.closed = true;
        pipe.event = false;
        pipe.unread_at_close = pipe.unread.len();
        pipe.interest = None;
    }
}

/// Returns the key of the connection that a token stands for.
fn key_of(token: Token) -> Option<usize> {
    match ServerToken::from(token) {
        ServerToken::Connection(key) => Some(key),
        _ => None,
    }
}
