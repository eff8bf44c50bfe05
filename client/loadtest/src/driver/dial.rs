//! Sockets that connect from chosen addresses of 127.0.0.0/8. Each address is a source of its own for
//! the server, and has ports of its own. With a PROXY protocol header, a connection also names the address
//! from which it comes.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};

use libc::{EINPROGRESS, EMFILE, ENFILE};
use mio::net::TcpStream;
use powtcp_server::protocol::proxy_header::{Version, encode};
use socket2::{Domain, Protocol, Socket, Type};

/// Consecutive addresses, used in turn.
#[derive(Debug)]
pub(crate) struct Sources {
    first: Ipv4Addr,
    count: u32,
    used: u32,
}

impl Sources {
    /// Creates `count` addresses, at least one, that begin with `first`.
    pub(crate) fn new(first: Ipv4Addr, count: u32) -> Self {
        Self {
            first,
            count,
            used: 0,
        }
    }

    /// Returns the next address.
    pub(crate) fn next(&mut self) -> Ipv4Addr {
        let source = self.first.to_bits().wrapping_add(self.used % self.count);
        self.used = self.used.wrapping_add(1);
        Ipv4Addr::from_bits(source)
    }
}

/// A server, and how connections to it begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    server: SocketAddr,
    proxied: bool,
}

/// A socket that is about to connect.
#[derive(Debug)]
pub(crate) struct Dialed {
    pub(crate) socket: TcpStream,
    /// What the connection begins with: a PROXY protocol header, or nothing.
    pub(crate) header: Vec<u8>,
}

impl Target {
    /// Creates a target. If connections are `proxied`, they begin as those of a balancer: with a PROXY
    /// protocol header, which names the client.
    pub(crate) fn new(server: SocketAddr, proxied: bool) -> Self {
        Self { server, proxied }
    }

    /// Starts to connect, without blocking. An IPv6 server is connected to from any address.
    ///
    /// # Errors
    /// The operating system's; the connection may fail later too, see [`is_connected`].
    pub(crate) fn dial(self, source: Ipv4Addr) -> io::Result<Dialed> {
        let socket = start(source, self.server)?;
        let header = if self.proxied {
            let client = socket.local_addr()?.into();
            encode(Version::V2, client, Some(self.server))
        } else {
            Vec::new()
        };
        Ok(Dialed { socket, header })
    }
}

/// Returns whether the socket of a [`Target`] is connected by now.
///
/// # Errors
/// The connection failed.
pub(crate) fn is_connected(socket: &TcpStream) -> io::Result<bool> {
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(socket.peer_addr().is_ok()),
    }
}

/// Returns whether an error means that there is no free descriptor.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

fn start(source: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let domain = Domain::for_address(server);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    if server.is_ipv4() {
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    match socket.connect(&server.into()) {
        Err(error) if !is_in_progress(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(EINPROGRESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_used_in_turn() {
        let mut sources = Sources::new(Ipv4Addr::new(127, 1, 0, 254), 3);
        let used: Vec<_> = (0..4).map(|_| sources.next().octets()).collect();
        let last = [127, 1, 1, 0];
        assert_eq!(
            used,
            [[127, 1, 0, 254], [127, 1, 0, 255], last, [127, 1, 0, 254]]
        );
    }
}
