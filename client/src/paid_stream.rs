//! A connection that was paid for, as one stream.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

/// A connection that was paid for, as one stream of bytes.
///
/// A read returns the bytes that arrived behind the resource first, and then those of the socket, so
/// that no byte is lost. A write goes to the socket.
#[derive(Debug)]
pub struct PaidStream {
    stream: TcpStream,
    read_ahead: Vec<u8>,
    /// How many bytes of `read_ahead` were returned.
    taken: usize,
}

impl PaidStream {
    pub(crate) fn new(stream: TcpStream, read_ahead: Vec<u8>) -> Self {
        let taken = 0;
        Self {
            stream,
            read_ahead,
            taken,
        }
    }

    /// Returns the bytes that have arrived already and come before those of the socket.
    pub fn read_ahead(&self) -> &[u8] {
        self.read_ahead.get(self.taken..).unwrap_or_default()
    }

    /// Returns the socket, for example to set its options. Its own bytes come after those of
    /// [`read_ahead`](Self::read_ahead).
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Ends one direction of the connection, or both. After [`Shutdown::Write`] the peer sees the end
    /// of the stream, and reads go on (half-close).
    ///
    /// # Errors
    /// That of the operating system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    /// Returns the bytes that come first and were not read yet, and the socket.
    pub fn into_parts(mut self) -> (Vec<u8>, TcpStream) {
        self.read_ahead.drain(..self.taken);
        (self.read_ahead, self.stream)
    }
}

impl Read for PaidStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut first = self.read_ahead();
        if first.is_empty() {
            return self.stream.read(buffer);
        }
        let len = first.read(buffer)?;
        self.taken += len;
        Ok(len)
    }
}

impl Write for PaidStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
