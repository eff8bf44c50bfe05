//! A connection that was paid for.

use std::net::TcpStream;
use std::time::Duration;

use crate::error::PayError;

/// A connection that was paid for, and what the server sent for it.
///
/// A server that serves resources closes the connection now. A gate has connected it to the service
/// behind it: everything that is read from it comes from there.
#[derive(Debug)]
pub struct Paid {
    resource: Vec<u8>,
    stream: TcpStream,
    read_ahead: Vec<u8>,
}

impl Paid {
    pub(crate) fn new(resource: Vec<u8>, stream: TcpStream, read_ahead: Vec<u8>) -> Self {
        Self {
            resource,
            stream,
            read_ahead,
        }
    }

    /// Replaces the timeouts that the payment has set on the socket.
    pub(crate) fn with_timeouts(
        self,
        read: Option<Duration>,
        write: Option<Duration>,
    ) -> Result<Self, PayError> {
        let set = self.stream.set_read_timeout(read);
        let set = set.and_then(|()| self.stream.set_write_timeout(write));
        set.map_err(PayError::Broken)?;
        Ok(self)
    }

    /// Returns the bytes of the resource, without a line ending. They may be any bytes, those that act
    /// on a terminal included.
    pub fn resource(&self) -> &[u8] {
        &self.resource
    }

    /// Returns the resource, the connection, and the bytes that arrived behind the resource. A
    /// program that reads on from the connection has to take those bytes first.
    ///
    /// The connection is blocking. After [`Payer::connect`](crate::Payer::connect) it has no
    /// timeouts; after [`Payer::over`](crate::Payer::over) it has those that it had before.
    pub fn into_parts(self) -> (Vec<u8>, TcpStream, Vec<u8>) {
        (self.resource, self.stream, self.read_ahead)
    }
}
