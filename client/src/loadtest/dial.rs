//! Sockets to a server of this machine, from addresses of 127.0.0.0/8 that we choose: each address is
//! a source to the server, and has ports of its own.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

/// Addresses in a row, each used in its turn.
#[derive(Debug)]
pub(super) struct Sources {
    first: Ipv4Addr,
    count: u32,
    used: u32,
}

impl Sources {
    /// `count` addresses, at least one, from `first` on.
    pub(super) const fn new(first: Ipv4Addr, count: u32) -> Self {
        Self {
            first,
            count,
            used: 0,
        }
    }

    /// The next address.
    pub(super) fn next(&mut self) -> Ipv4Addr {
        let source = self.first.to_bits().wrapping_add(self.used % self.count);
        self.used = self.used.wrapping_add(1);
        Ipv4Addr::from_bits(source)
    }
}

/// Starts to connect, without blocking. An IPv6 server is connected to from any address.
pub(super) fn start(source: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = bound(source, server)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&server.into()) {
        // EINPROGRESS has a kind of its own, which is not stable yet.
        Err(error) if error.kind() != ErrorKind::WouldBlock && !in_progress(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// Connects within `timeout`; likewise, but blocks.
pub(super) fn connect(
    source: Ipv4Addr,
    server: SocketAddr,
    timeout: Duration,
) -> io::Result<std::net::TcpStream> {
    let socket = bound(source, server)?;
    socket.connect_timeout(&server.into(), timeout)?;
    Ok(socket.into())
}

/// Whether a socket that [`start`] gave is connected by now.
pub(super) fn is_connected(socket: &TcpStream) -> io::Result<bool> {
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(socket.peer_addr().is_ok()),
    }
}

/// EMFILE or ENFILE: no descriptor is left. The same numbers on every Unix.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23))
}

fn bound(source: Ipv4Addr, server: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(server),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_tcp_nodelay(true)?;
    if server.is_ipv4() {
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    Ok(socket)
}

/// EINPROGRESS: the connection is being made. Linux, then BSD.
fn in_progress(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(115 | 36))
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
