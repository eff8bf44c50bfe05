//! A listening socket. It knows whether `accept` is worth calling: not while its backlog is empty, nor
//! while descriptors have run out.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use libc::{EBADF, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOTSOCK, EOPNOTSUPP};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

/// The length of the backlog, which the kernel limits to `net.core.somaxconn`. A client that finds the
/// backlog full retries after a second, so a burst must fit.
const BACKLOG: i32 = 1 << 16;

/// A non-blocking listening socket.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    token: Token,
    /// Whether the backlog may hold connections, as far as the poll and the last call told.
    ready: bool,
    /// Whether descriptors ran out, and the backlog has not been empty since.
    starved: bool,
}

/// The result of [`Acceptor::accept`].
#[derive(Debug)]
pub enum Accepted {
    /// A new connection.
    Connection(TcpStream, SocketAddr),
    /// The backlog is empty.
    Empty,
    /// There is no descriptor or memory for another connection. Accepting pauses until
    /// [`Acceptor::wake`].
    Exhausted {
        /// Whether this is the first failure of an episode, which is reported once.
        is_new: bool,
        /// The error of the operating system.
        error: io::Error,
    },
}

impl Acceptor {
    /// Listens on `address` and registers the socket under `token`. The unspecified IPv6 address serves
    /// both families.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use.
    pub fn bind(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        // Connections of the last run in TIME_WAIT must not prevent a restart.
        socket.set_reuse_address(true)?;
        // Accepted sockets inherit it on Linux, which saves a system call for each.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let mut listener = TcpListener::from_std(socket.into());
        registry.register(&mut listener, token, Interest::READABLE)?;
        Ok(Self {
            listener,
            token,
            ready: false,
            starved: false,
        })
    }

    /// Returns the address it listens on, with the real port if port 0 was requested.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Notes that the backlog may hold connections, or that a descriptor was freed.
    pub fn wake(&mut self) {
        self.ready = true;
    }

    /// Returns whether accepting is paused because descriptors ran out.
    pub fn is_starved(&self) -> bool {
        self.starved
    }

    /// Returns whether [`Acceptor::accept`] is worth calling.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Accepts the next connection of the backlog.
    ///
    /// # Errors
    /// The listening socket itself is unusable.
    pub fn accept(&mut self) -> io::Result<Accepted> {
        loop {
            let error = match self.listener.accept() {
                Ok((socket, address)) => return Ok(Accepted::Connection(socket, address)),
                Err(error) => error,
            };
            match AcceptError::classify(&error) {
                AcceptError::Empty => {
                    (self.ready, self.starved) = (false, false);
                    return Ok(Accepted::Empty);
                }
                AcceptError::Exhausted => {
                    self.ready = false;
                    let is_new = !std::mem::replace(&mut self.starved, true);
                    return Ok(Accepted::Exhausted { is_new, error });
                }
                AcceptError::Skip => {}
                AcceptError::Fatal => return Err(error),
            }
        }
    }

    /// Re-registers the listener, so that the next poll reports the backlog that was not drained.
    ///
    /// # Errors
    /// The operating system's.
    pub fn rearm(&mut self, registry: &Registry) -> io::Result<()> {
        self.ready = false;
        registry.reregister(&mut self.listener, self.token, Interest::READABLE)
    }
}

/// What an error of `accept` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AcceptError {
    /// The backlog is empty.
    Empty,
    /// One connection failed before it was accepted; the next may succeed.
    Skip,
    /// The process or the system has no descriptor or memory left; wait until something is freed.
    Exhausted,
    /// The listening socket itself is unusable.
    Fatal,
}

impl AcceptError {
    /// Classifies an error by the list in accept(2).
    fn classify(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(EMFILE | ENFILE | ENOBUFS | ENOMEM) => Self::Exhausted,
            Some(EBADF | EINVAL | ENOTSOCK | EOPNOTSUPP) => Self::Fatal,
            _ if error.kind() == ErrorKind::WouldBlock => Self::Empty,
            // The connection that was to be accepted was reset, is unreachable, or was rejected by a
            // packet filter.
            _ => Self::Skip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_accept_are_classified() {
        let classify = |number| AcceptError::classify(&io::Error::from_raw_os_error(number));
        assert_eq!(classify(libc::EAGAIN), AcceptError::Empty);
        for number in [
            libc::EINTR,
            libc::ECONNABORTED,
            libc::EPROTO,
            libc::EHOSTUNREACH,
            libc::EPERM,
            libc::ETIMEDOUT,
        ] {
            assert_eq!(classify(number), AcceptError::Skip, "{number}");
        }
        for number in [ENOMEM, ENFILE, EMFILE, ENOBUFS] {
            assert_eq!(classify(number), AcceptError::Exhausted, "{number}");
        }
        assert_eq!(classify(EINVAL), AcceptError::Fatal);
    }
}
