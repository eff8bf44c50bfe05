//! A connection that was paid for.

use std::net::TcpStream;
use std::time::Duration;

use crate::error::PayError;
use crate::paid_stream::PaidStream;

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

    /// Returns the connection as one stream that has no byte lost: it begins with the bytes that arrived
    /// behind the resource. The timeouts are those that [`into_parts`](Self::into_parts) describes.
    ///
    /// A gate has sent the resource `connected`; a program that expects a gate should check that.
    ///
    /// ```
    /// # use std::io::{BufRead, BufReader};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let gate = listener.local_addr()?.to_string();
    /// # let served = std::thread::spawn(move || -> std::io::Result<()> {
    /// #     let mut reader = BufReader::new(listener.accept()?.0);
    /// #     let mut line = String::new();
    /// #     reader.read_line(&mut line)?;
    /// #     let puzzle = b"2:1:8:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n";
    /// #     reader.get_mut().write_all(puzzle)?;
    /// #     reader.read_line(&mut line)?;
    /// #     reader.get_mut().write_all(b"4:connected\nhello, ")?;
    /// #     let mut name = String::new();
    /// #     reader.read_to_string(&mut name)?;
    /// #     reader.get_mut().write_all(name.as_bytes())
    /// # });
    /// use std::io::{Read, Write};
    /// use std::net::Shutdown;
    /// use powtcp_client::Payer;
    ///
    /// let paid = Payer::new().connect(&gate)?; // "gate.example:8080"
    /// assert_eq!(paid.resource(), b"connected");
    /// let mut stream = paid.into_stream();
    /// stream.write_all(b"gate")?;
    /// stream.shutdown(Shutdown::Write)?;
    /// let mut answer = String::new();
    /// stream.read_to_string(&mut answer)?;
    ///
    /// assert_eq!(answer, "hello, gate");
    /// # served.join().expect("a server without a panic")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_stream(self) -> PaidStream {
        PaidStream::new(self.stream, self.read_ahead)
    }
}
