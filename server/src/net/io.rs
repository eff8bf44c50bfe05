//! Reading and writing sockets that do not block: the one pair of functions for the whole server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use mio::Interest;
use mio::event::Source;
use mio::net::TcpStream;
use socket2::SockRef;

/// A non-blocking stream that a poll can watch. Tests implement it without a network.
pub trait Socket: Read + Write + Source {
    /// Ends our direction of the stream with a FIN; the peer's direction stays open.
    ///
    /// # Errors
    /// The connection is broken.
    fn shutdown_write(&self) -> io::Result<()>;

    /// Makes closing the socket an RST, or a FIN again, as far as its kind knows resets. With an RST a stream
    /// that was cut off does not look complete.
    fn set_reset_on_close(&self, resets: bool);

    /// Returns the address of this end, if it has one.
    fn local_addr(&self) -> Option<SocketAddr>;
}

impl Socket for TcpStream {
    fn shutdown_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn set_reset_on_close(&self, resets: bool) {
        // A connection that is broken already needs no RST.
        let _ = SockRef::from(self).set_linger(resets.then_some(Duration::ZERO));
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        Self::local_addr(self).ok()
    }
}

/// The interest in bytes of the peer. Where the poll can report urgent data, it does.
pub const INPUT: Interest = if cfg!(any(target_os = "linux", target_os = "android")) {
    Interest::READABLE.add(Interest::PRIORITY)
} else {
    Interest::READABLE
};

/// What becomes of a connection after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It waits for its peer or its deadline.
    Keep,
    /// It is finished and can be closed.
    Close,
}

/// Reads once into `buffer`. Returns the number of bytes, 0 at the end of the stream, or `None` if
/// there is nothing to read yet.
///
/// # Errors
/// The connection is broken.
pub fn read(socket: &mut impl Read, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match socket.read(buffer) {
            Ok(len) => return Ok(Some(len)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes until all of `bytes` is written or the socket would block. Returns the number of bytes
/// written.
///
/// # Errors
/// The connection is broken.
pub fn write(socket: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while let Some(rest @ [_, ..]) = bytes.get(written..) {
        match socket.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => written += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
