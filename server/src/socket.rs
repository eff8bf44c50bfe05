//! What a connection needs of its socket. A test gives it one that is none.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::event::Source;
use mio::net::TcpStream;

/// A stream that does not block, and that a poll can watch.
pub trait Socket: Read + Write + Source {
    /// Ends our stream; the peer's goes on.
    ///
    /// # Errors
    /// The connection is broken.
    fn shutdown_write(&self) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn shutdown_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
