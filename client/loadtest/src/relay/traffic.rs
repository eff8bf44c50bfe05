//! Messages on many connections to an upstream that sends them back.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use powtcp_server::net::io::{read, write};

/// Bytes of one read or write.
const BUFFER_LEN: usize = 256 * 1024;

/// Connections that are open, and idle between two runs.
pub(super) struct Traffic {
    poll: Poll,
    peers: Vec<Peer>,
    buffer: Vec<u8>,
}

/// What each connection of a run sends and receives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Bytes of a message.
    pub(super) message: usize,
    /// Messages, one after the other. The next is sent when the last one has come back.
    pub(super) count: usize,
}

/// One connection.
struct Peer {
    socket: TcpStream,
    /// Bytes of the message to send.
    unsent: usize,
    /// Bytes of the message to receive.
    unreceived: usize,
    /// When the message was begun.
    begun: Instant,
    /// Messages to begin after this one.
    left: usize,
}

/// What a run has taken.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) elapsed: Duration,
    /// Of each message, from the first byte sent to the last one received.
    pub(super) latencies: Vec<Duration>,
}

impl Traffic {
    /// Creates traffic without connections.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            peers: Vec::new(),
            buffer: vec![b'.'; BUFFER_LEN],
        })
    }

    /// Adds an open connection.
    pub(super) fn add(&mut self, socket: std::net::TcpStream) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Token(self.peers.len());
        self.poll
            .registry()
            .register(&mut socket, token, interest)?;
        self.peers.push(Peer {
            socket,
            unsent: 0,
            unreceived: 0,
            begun: Instant::now(),
            left: 0,
        });
        Ok(())
    }

    /// Returns the number of connections.
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Sends and receives `load` on each of the first `most` connections, at the same time.
    ///
    /// # Errors
    /// A connection fails, or there are messages left after `timeout`.
    pub(super) fn run(&mut self, most: usize, load: Load, timeout: Duration) -> io::Result<Run> {
        let start = Instant::now();
        let mut latencies = Vec::with_capacity(load.count * most);
        let mut busy = 0;
        for peer in self.peers.iter_mut().take(most) {
            peer.left = load.count;
            peer.begin(load);
            busy += usize::from(!peer.advance(load, &mut self.buffer, &mut latencies)?);
        }
        let mut events = Events::with_capacity(1024);
        while busy > 0 {
            let rest = timeout.checked_sub(start.elapsed());
            let rest =
                rest.ok_or_else(|| io::Error::new(ErrorKind::TimedOut, "relayed traffic stalls"))?;
            match self.poll.poll(&mut events, Some(rest)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                // An idle connection is writable, or its upstream has closed it: the next run finds out.
                if let Some(peer) = self.peers.get_mut(event.token().0)
                    && peer.unreceived > 0
                    && peer.advance(load, &mut self.buffer, &mut latencies)?
                {
                    busy -= 1;
                }
            }
        }
        Ok(Run {
            elapsed: start.elapsed(),
            latencies,
        })
    }
}

impl Peer {
    fn begin(&mut self, load: Load) {
        self.left -= 1;
        (self.unsent, self.unreceived) = (load.message, load.message);
        self.begun = Instant::now();
    }

    /// Goes on as far as the socket allows. Returns whether all messages have come back.
    fn advance(
        &mut self,
        load: Load,
        buffer: &mut [u8],
        latencies: &mut Vec<Duration>,
    ) -> io::Result<bool> {
        loop {
            while self.unsent > 0 {
                let len = self.unsent.min(buffer.len());
                let sent = write(&mut self.socket, &buffer[..len])?;
                self.unsent -= sent;
                if sent < len {
                    break;
                }
            }
            while self.unreceived > 0 {
                match read(&mut self.socket, buffer)? {
                    None => return Ok(false),
                    Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Some(len) => self.unreceived = self.unreceived.saturating_sub(len),
                }
            }
            latencies.push(self.begun.elapsed());
            if self.left == 0 {
                return Ok(true);
            }
            self.begin(load);
        }
    }
}
