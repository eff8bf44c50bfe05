//! The listening socket: it rests while there is nobody to accept, or no descriptor to accept with.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted. The kernel cuts it to `net.core.somaxconn`. A client
/// that finds the queue full loses a second before it tries again, so a burst must fit.
const BACKLOG: i32 = 1 << 16;

/// A listening socket that does not block.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    token: Token,
    /// Whether somebody may be waiting, as far as the poll and the last call told.
    ready: bool,
    /// Whether accepting has failed for want of descriptors, and the queue was not empty since.
    starved: bool,
}

/// What one call of `accept` gave.
#[derive(Debug)]
pub enum Accepted {
    /// A new connection.
    Connection(TcpStream, SocketAddr),
    /// Nobody waits.
    Nobody,
    /// There is no descriptor or memory for another connection. Accepting rests until
    /// [`Acceptor::wake`].
    Exhausted {
        /// Whether accepting went well before: an episode is reported once.
        is_new: bool,
        /// What the operating system said.
        error: io::Error,
    },
}

impl Acceptor {
    /// Listens on `address`, and has `token` stand for it in the poll. An IPv6 address that is not
    /// specified serves both families.
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
        // A restart must not wait until the connections of the last run are forgotten.
        socket.set_reuse_address(true)?;
        // Accepted sockets inherit it (tcp(7)), which saves a system call for each.
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

    /// Where it listens: the real port, also where port 0 was asked for.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Somebody may be waiting; or a descriptor was freed, and it is worth another try.
    pub const fn wake(&mut self) {
        self.ready = true;
    }

    /// Whether accepting rests for want of descriptors.
    pub const fn is_starved(&self) -> bool {
        self.starved
    }

    /// Whether [`Acceptor::accept`] is worth calling.
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// Takes the next connection out of the queue.
    ///
    /// # Errors
    /// The listening socket itself is unusable.
    pub fn accept(&mut self) -> io::Result<Accepted> {
        loop {
            let error = match self.listener.accept() {
                Ok((socket, address)) => return Ok(Accepted::Connection(socket, address)),
                Err(error) => error,
            };
            match AcceptError::sort(&error) {
                AcceptError::Empty => {
                    (self.ready, self.starved) = (false, false);
                    return Ok(Accepted::Nobody);
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

    /// Ends a turn that left somebody waiting: the poll is asked to tell of them again.
    ///
    /// # Errors
    /// The operating system's.
    pub fn yield_turn(&mut self, registry: &Registry) -> io::Result<()> {
        self.ready = false;
        registry.reregister(&mut self.listener, self.token, Interest::READABLE)
    }
}

/// What to do after an error of `accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AcceptError {
    /// Nobody waits: the next event tells of the next one.
    Empty,
    /// That one connection failed: try the next.
    Skip,
    /// The process or the system has no descriptor or memory left: wait until something is freed.
    Exhausted,
    /// The listening socket itself is unusable.
    Fatal,
}

impl AcceptError {
    /// Sorts `error` as accept(2) lists it.
    fn sort(error: &io::Error) -> Self {
        /// The system's file table is full; the same number on every Unix.
        const ENFILE: i32 = 23;
        /// The process has as many descriptors as it may; the same number on every Unix.
        const EMFILE: i32 = 24;
        /// No buffer space; Linux, then BSD.
        const ENOBUFS: [i32; 2] = [105, 55];

        match (error.kind(), error.raw_os_error()) {
            (ErrorKind::WouldBlock, _) => Self::Empty,
            (ErrorKind::OutOfMemory, _) | (_, Some(ENFILE | EMFILE)) => Self::Exhausted,
            (_, Some(number)) if ENOBUFS.contains(&number) => Self::Exhausted,
            (ErrorKind::InvalidInput, _) => Self::Fatal,
            // Whatever was wrong with the connection that was to be accepted: reset, unreachable,
            // forbidden by a packet filter.
            _ => Self::Skip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_accept_are_sorted() {
        let sort = |number| AcceptError::sort(&io::Error::from_raw_os_error(number));
        assert_eq!(sort(11), AcceptError::Empty); // EAGAIN
        for number in [4, 103, 71, 113, 1, 110] {
            // EINTR, ECONNABORTED, EPROTO, EHOSTUNREACH, EPERM, ETIMEDOUT
            assert_eq!(sort(number), AcceptError::Skip, "{number}");
        }
        for number in [12, 23, 24, 105] {
            // ENOMEM, ENFILE, EMFILE, ENOBUFS
            assert_eq!(sort(number), AcceptError::Exhausted, "{number}");
        }
        assert_eq!(sort(22), AcceptError::Fatal); // EINVAL
    }
}
