//! A connection without a network: what its two ends know of each other, and the server's end of it as
//! a socket.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use powtcp_server::metrics::Outcome;
use powtcp_server::socket::Socket;

/// What lies between a client and the server.
#[derive(Default)]
pub(crate) struct Pipe {
    /// Bytes that have arrived and that the server did not read.
    pub(crate) unread: VecDeque<u8>,
    /// The client has ended its stream.
    pub(crate) ended: bool,
    /// The client has reset the connection.
    pub(crate) reset: bool,
    /// The system has no room to watch this socket.
    pub(crate) unwatchable: bool,
    /// Bytes of answers that the client still takes; `None` if it takes all.
    window: Option<usize>,
    /// Whether answers may be stuck on their way, now or ever.
    pub(crate) takes_all: bool,
    /// What the client received.
    received: Vec<u8>,
    /// The server has ended its stream.
    pub(crate) shut: bool,
    /// The server has closed its socket.
    pub(crate) closed: bool,
    /// Bytes that the server had not read when it closed.
    pub(crate) unread_at_close: usize,
    /// Bytes that the server read after its last answer.
    pub(crate) discarded: usize,
    /// Calls of `read` since the last look at it.
    pub(crate) reads: usize,
    /// Calls of `read` and of `write` in all: each fifth and each third is interrupted.
    calls: usize,
    writes: usize,
    /// Calls that ask the poll to watch the socket.
    pub(crate) registrations: usize,
    /// The server's name for the connection.
    pub(crate) key: Option<usize>,
    interest: Option<Interest>,
    /// An event that the poll would give, edge-triggered.
    pub(crate) event: bool,
}

impl Pipe {
    /// To a client that takes so many bytes, or all.
    pub(crate) fn new(window: Option<usize>) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            window,
            takes_all: window.is_none(),
            ..Self::default()
        }))
    }

    /// Bytes of the client arrive.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if !self.closed && !self.reset && !self.ended {
            self.unread.extend(bytes);
            self.notify(!bytes.is_empty(), false);
        }
    }

    /// The client ends its stream.
    pub(crate) const fn end(&mut self) {
        self.ended = true;
        self.notify(true, false);
    }

    pub(crate) fn reset(&mut self) {
        self.reset = true;
        self.unread.clear();
        self.event |= self.interest.is_some();
    }

    /// The client takes all that comes from now on.
    pub(crate) const fn open_window(&mut self) {
        self.window = None;
        self.notify(false, true);
    }

    /// Lines that the client received.
    pub(crate) fn lines(&self) -> Vec<&str> {
        let text = str::from_utf8(&self.received).expect("answers are UTF-8");
        let lines = text.split_terminator('\n');
        lines.collect()
    }

    /// The last word of the server, if it came through.
    pub(crate) fn last_word(&self) -> Option<&str> {
        let line = self.lines().pop()?;
        (!line.starts_with("2:")).then_some(line)
    }

    /// Whether the server has not looked at something, and no event will tell it.
    pub(crate) fn is_forgotten(&self) -> bool {
        let is_ready = !self.unread.is_empty() || self.ended || self.reset;
        is_ready && !self.event && self.takes_all && !self.closed
    }

    /// Whether a resource came.
    pub(crate) fn is_served(&self) -> bool {
        self.last_word().is_some_and(|word| word.starts_with("4:"))
    }

    /// How the connection ended, as far as one can tell from outside.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let has_slot = self.key.is_some();
        match self.last_word() {
            None if !has_slot && self.unwatchable => None,
            _ if !has_slot => Some(Outcome::TurnedAway),
            _ if !self.takes_all => None,
            Some("0:server is busy") => Some(Outcome::Evicted),
            Some(_) if self.is_served() => Some(Outcome::Served),
            Some(_) => Some(Outcome::Refused),
            None if self.reset => Some(Outcome::Broken),
            None if self.ended => Some(Outcome::Left),
            None => panic!("closed without a word"),
        }
    }

    const fn notify(&mut self, readable: bool, writable: bool) {
        if let Some(interest) = self.interest {
            self.event |= readable && interest.is_readable() || writable && interest.is_writable();
        }
    }
}

/// The server's end.
pub(crate) struct FakeSocket(pub(crate) Rc<RefCell<Pipe>>);

impl Read for FakeSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        pipe.reads += 1;
        pipe.calls += 1;
        if pipe.calls.is_multiple_of(5) {
            return Err(ErrorKind::Interrupted.into());
        }
        if pipe.reset {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if pipe.unread.is_empty() && !pipe.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        let len = pipe.unread.read(buffer)?;
        // A deque may give its two halves one after the other; a socket does not.
        let rest = pipe.unread.read(&mut buffer[len..])?;
        if pipe.last_word().is_some() {
            pipe.discarded += len + rest;
        }
        Ok(len + rest)
    }
}

impl Write for FakeSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        assert!(!pipe.shut, "written after the end of the stream");
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
        self.0.borrow_mut().key = Some(token.0);
        self.reregister(registry, token, to)
    }

    /// Whatever is ready already is an event.
    fn reregister(&mut self, _: &Registry, token: Token, to: Interest) -> io::Result<()> {
        let mut pipe = self.0.borrow_mut();
        assert_eq!(pipe.key, Some(token.0), "another's token");
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
