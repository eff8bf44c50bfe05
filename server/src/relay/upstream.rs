//! The service behind the gate, and connecting to it without waiting.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};

use super::flow::Sink;

/// The address of an upstream, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// The addresses of a name, or one address. They are tried in turn.
    Tcp(Vec<SocketAddr>),
    /// The path of a Unix socket, so that the service need not listen on TCP.
    Unix(PathBuf),
}

/// A connection to an upstream, made or being made.
#[derive(Debug)]
pub enum UpstreamSocket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// What came of an attempt to connect.
#[derive(Debug)]
pub enum Connecting {
    /// The connection is made.
    Made(UpstreamSocket),
    /// An event will tell.
    Pending(UpstreamSocket),
    /// The backlog of a Unix socket is full, and no event will tell when it is not. Try again later.
    Retry,
}

impl Upstream {
    /// Returns the number of addresses to try.
    pub fn addresses(&self) -> usize {
        match self {
            Self::Tcp(addresses) => addresses.len(),
            Self::Unix(_) => 1,
        }
    }

    /// Begins to connect to the address with this index.
    ///
    /// # Errors
    /// This address cannot be connected to.
    pub fn connect(&self, index: usize) -> io::Result<Connecting> {
        match self {
            Self::Tcp(addresses) => {
                let missing = || io::Error::from(io::ErrorKind::AddrNotAvailable);
                let address = addresses.get(index).ok_or_else(missing)?;
                let socket = TcpStream::connect(*address)?;
                Ok(Connecting::Pending(UpstreamSocket::Tcp(socket)))
            }
            Self::Unix(path) => match UnixStream::connect(path) {
                Ok(socket) => Ok(Connecting::Made(UpstreamSocket::Unix(socket))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Connecting::Retry),
                Err(error) => Err(error),
            },
        }
    }
}

impl UpstreamSocket {
    /// Returns whether the connection is made.
    ///
    /// # Errors
    /// It failed.
    pub fn is_connected(&self) -> io::Result<bool> {
        match self {
            Self::Tcp(socket) => match socket.take_error()? {
                Some(error) => Err(error),
                None => Ok(socket.peer_addr().is_ok()),
            },
            Self::Unix(_) => Ok(true),
        }
    }

    /// Sets the options of a connection that is made.
    pub fn set_options(&self) {
        if let Self::Tcp(socket) = self {
            // A connection without these options works as well, only slower.
            let _ = socket.set_nodelay(true);
            let _ = keep_alive(socket);
        }
    }

    /// Returns the error that an event has reported, if there is one.
    pub fn error(&self) -> Option<io::Error> {
        match self {
            Self::Tcp(socket) => socket.take_error(),
            Self::Unix(socket) => socket.take_error(),
        }
        .unwrap_or_else(Some)
    }

    /// Makes closing the socket a reset, as far as its kind knows resets.
    pub fn reset_on_close(&self) {
        if let Self::Tcp(socket) = self {
            reset_on_close(socket);
        }
    }
}

/// Returns whether an event has reported an error of `socket`.
pub(super) fn has_error(socket: &TcpStream) -> bool {
    !matches!(socket.take_error(), Ok(None))
}

/// Makes closing `socket` an RST, so that a stream that was cut off does not look complete.
pub(super) fn reset_on_close(socket: &TcpStream) {
    // A connection that is broken already needs no RST.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

/// Has the kernel probe an idle connection, so that a peer that vanished is found out.
///
/// # Errors
/// The operating system's.
pub(super) fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(10))
        .with_retries(6);
    SockRef::from(socket).set_tcp_keepalive(&probes)
}

impl Sink for TcpStream {
    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Sink for UpstreamSocket {
    fn end(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
        }
    }
}

impl Read for UpstreamSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            Self::Unix(socket) => socket.read(buffer),
        }
    }
}

impl Write for UpstreamSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for UpstreamSocket {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.register(registry, token, interest),
            Self::Unix(socket) => socket.register(registry, token, interest),
        }
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.reregister(registry, token, interest),
            Self::Unix(socket) => socket.reregister(registry, token, interest),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.deregister(registry),
            Self::Unix(socket) => socket.deregister(registry),
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addresses) => {
                let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(","))
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
