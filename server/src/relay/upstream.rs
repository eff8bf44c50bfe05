//! The service behind the gate, and connecting to it without waiting.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use super::network::{Connecting, Dial, RelaySocket};
use crate::net::io::Socket;

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

impl Dial for Upstream {
    type Socket = UpstreamSocket;

    fn addresses(&self) -> usize {
        match self {
            Self::Tcp(addresses) => addresses.len(),
            Self::Unix(_) => 1,
        }
    }

    fn connect(&self, index: usize) -> io::Result<Connecting<UpstreamSocket>> {
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

    fn is_connected(&self, socket: &UpstreamSocket) -> io::Result<bool> {
        match socket {
            UpstreamSocket::Tcp(socket) => match socket.take_error()? {
                // It was made, and the upstream has ended its stream and closed already.
                Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
                Some(error) => Err(error),
                None => Ok(socket.peer_addr().is_ok()),
            },
            UpstreamSocket::Unix(_) => Ok(true),
        }
    }
}

impl RelaySocket for UpstreamSocket {
    fn set_options(&self) {
        if let Self::Tcp(socket) = self {
            let _ = socket.set_nodelay(true);
            socket.set_options();
        }
    }

    fn error(&self) -> Option<io::Error> {
        match self {
            Self::Tcp(socket) => socket.error(),
            Self::Unix(socket) => socket.take_error().unwrap_or_else(Some),
        }
    }
}

impl Socket for UpstreamSocket {
    fn shutdown_write(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
        }
    }

    fn set_reset_on_close(&self, resets: bool) {
        if let Self::Tcp(socket) = self {
            socket.set_reset_on_close(resets);
        }
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => Socket::local_addr(socket),
            Self::Unix(_) => None,
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
