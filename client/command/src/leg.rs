//! A socket of a relay, which two threads share: one reads from it, and the other writes to it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How long a connection is idle before the system checks that the peer is still there, how long it
/// waits for each answer, and how many it waits for. This ends a relay whose peer has lost its power
/// or its network.
const IDLE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(10);
const PROBES: u32 = 6;

/// How long a write waits before it returns [`ErrorKind::WouldBlock`]. The writer then looks whether
/// the other direction has failed, of which nothing else can tell it.
const WRITE_SLICE: Duration = Duration::from_secs(1);

/// A socket of a relay.
///
/// Until [`Leg::keep`] is called, closing the socket resets the connection. So a relay that is cut off,
/// by a signal for example, never looks to the peer like a stream that has ended.
#[derive(Debug)]
pub struct Leg {
    stream: TcpStream,
    /// Whether a write has reported a reset. It is locked during a write.
    was_reset: Mutex<bool>,
}

impl Leg {
    /// Creates a leg of a connected, blocking socket.
    ///
    /// # Errors
    /// The options of the socket cannot be set: it is closed already.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_SLICE))?;
        let socket = SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO))?;
        let keepalive = TcpKeepalive::new().with_time(IDLE);
        let keepalive = keepalive.with_interval(INTERVAL).with_retries(PROBES);
        socket.set_tcp_keepalive(&keepalive)?;
        let was_reset = Mutex::new(false);
        Ok(Self { stream, was_reset })
    }

    /// Lets the socket close in order: what was written still reaches the peer.
    pub fn keep(&self) {
        // This fails only if the socket is no socket.
        let _ = SockRef::from(&self.stream).set_linger(None);
    }

    /// Sends the end of the stream. Reads go on.
    ///
    /// # Errors
    /// The connection is closed already.
    pub fn end_writing(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Returns whether the peer has reset the connection, and takes the error: a later read does not report
    /// it. A FIN is no reset. It can be a half-close of a peer that waits for an answer, or the close of one
    /// that has gone: TCP does not tell which.
    pub fn take_reset(&self) -> bool {
        !matches!(self.stream.take_error(), Ok(None))
    }

    /// Wakes a thread that reads from the leg: it sees the end of the stream. Sends nothing.
    pub fn end_reading(&self) {
        // This fails if the connection is closed already, and then no read waits.
        let _ = self.stream.shutdown(Shutdown::Read);
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.was_reset
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a write has taken the error of a reset. The system reports an error of a
    /// connection once, so after that a read returns the end of the stream, as if it were complete.
    /// A write to a connection that is closed does not wait, so the lock is soon free then.
    fn has_hidden_reset(&self) -> bool {
        let is_closed = self.stream.peer_addr().is_err();
        is_closed && *self.lock()
    }
}

impl Read for &Leg {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = (&self.stream).read(buffer)?;
        if len == 0 && !buffer.is_empty() && self.has_hidden_reset() {
            return Err(ErrorKind::ConnectionReset.into());
        }
        Ok(len)
    }
}

impl Write for &Leg {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut was_reset = self.lock();
        let written = (&self.stream).write(bytes);
        if let Err(error) = &written {
            // After the end of the peer's stream, a reset is reported as a broken pipe instead.
            *was_reset |= error.kind() == ErrorKind::ConnectionReset;
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
