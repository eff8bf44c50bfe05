//! A listening socket. It knows whether `accept` is worth calling: not while its backlog is empty, nor
//! while descriptors have run out or `accept` keeps failing.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use libc::{EBADF, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOTSOCK, EOPNOTSUPP};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

/// The length of the backlog, which the kernel limits to `net.core.somaxconn`. A client that finds the
/// backlog full retries after a second, so a burst must fit.
const BACKLOG: i32 = 1 << 16;
/// Failures of single connections that one call skips. Peers cause few in a row; without a bound, a
/// security module that denies `accept` would keep the loop in one call for ever.
const MAX_SKIPPED: u32 = 16;

/// A non-blocking listening socket.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    token: Token,
    /// Whether the backlog may hold connections, as far as the poll and the last call told.
    ready: bool,
    /// Whether accepting has failed, and the backlog has not been empty since.
    starved: bool,
}

/// Who may listen on the same port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortUse {
    /// This socket alone.
    Exclusive,
    /// Every process of the same user. The kernel spreads connections over them (`SO_REUSEPORT`, socket(7)).
    Shared,
}

/// The result of [`Acceptor::accept`].
#[derive(Debug)]
pub enum Accepted<S = TcpStream> {
    /// A new connection.
    Connection(S, SocketAddr),
    /// The backlog is empty.
    Empty {
        /// Whether this ends an episode of failures, which is reported once.
        resumed: bool,
    },
    /// There is no descriptor or memory for another connection, or `accept` keeps failing. Accepting
    /// pauses until [`Acceptor::wake`].
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
    pub fn bind(
        address: SocketAddr,
        port_use: PortUse,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
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
        if port_use == PortUse::Shared {
            socket.set_reuse_port(true)?;
        }
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

    /// Returns whether accepting is paused because descriptors ran out or `accept` keeps failing.
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
        let Self {
            listener,
            ready,
            starved,
            ..
        } = self;
        let accepted = accept_with(|| listener.accept(), starved)?;
        *ready &= matches!(accepted, Accepted::Connection(..));
        Ok(accepted)
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

/// Calls `accept` until it has a result for [`Acceptor::accept`]. `starved` tells whether an episode of
/// failures lasts.
fn accept_with<S>(
    mut accept: impl FnMut() -> io::Result<(S, SocketAddr)>,
    starved: &mut bool,
) -> io::Result<Accepted<S>> {
    let mut skipped = 0;
    loop {
        let error = match accept() {
            Ok((socket, address)) => return Ok(Accepted::Connection(socket, address)),
            Err(error) => error,
        };
        match AcceptError::classify(&error) {
            AcceptError::Empty => {
                let resumed = std::mem::take(starved);
                return Ok(Accepted::Empty { resumed });
            }
            AcceptError::Skip if skipped < MAX_SKIPPED => skipped += 1,
            AcceptError::Skip | AcceptError::Exhausted => {
                let is_new = !std::mem::replace(starved, true);
                return Ok(Accepted::Exhausted { is_new, error });
            }
            AcceptError::Fatal => return Err(error),
        }
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

    /// Calls `accept_with` once, with a backlog that fails with these errors and then has a connection.
    fn accept_after(errors: impl IntoIterator<Item = i32>, starved: &mut bool) -> Accepted<()> {
        let mut errors = errors.into_iter();
        let accept = || match errors.next() {
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None => Ok(((), SocketAddr::from(([127, 0, 0, 1], 1)))),
        };
        accept_with(accept, starved).unwrap()
    }

    #[test]
    fn an_error_that_persists_ends_the_call_and_is_reported_once() {
        for number in [libc::EPERM, libc::EACCES, libc::ECONNABORTED] {
            let mut starved = false;
            for is_first in [true, false, false] {
                let accepted = accept_after(std::iter::repeat_n(number, 1_000), &mut starved);
                let Accepted::Exhausted { is_new, error } = accepted else {
                    panic!("{accepted:?}");
                };
                assert_eq!((is_new, error.raw_os_error()), (is_first, Some(number)));
                assert!(starved);
            }
        }
    }

    #[test]
    fn failures_of_single_connections_are_skipped() {
        let mut starved = false;
        let errors = (0..MAX_SKIPPED).map(|_| libc::ECONNABORTED);
        let accepted = accept_after(errors, &mut starved);
        assert!(matches!(accepted, Accepted::Connection(..)), "{accepted:?}");
        assert!(!starved);
    }

    #[test]
    fn an_episode_of_failures_ends_when_the_backlog_is_empty() {
        let mut starved = false;
        let mut ends = |number| {
            let accepted = accept_after([number], &mut starved);
            matches!(accepted, Accepted::Empty { resumed: true })
        };
        let errors = [EMFILE, libc::EAGAIN, libc::EAGAIN, ENFILE, libc::EAGAIN];
        assert_eq!(errors.map(&mut ends), [false, true, false, false, true]);
    }

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
