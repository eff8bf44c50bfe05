//! Ports without a server.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// Returns a socket that is bound to a port of 127.0.0.1. The port refuses connections until the
/// socket listens.
pub(crate) fn taken_port() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any_port.into()).expect("a free port");
    let address = socket.local_addr().expect("a bound socket").as_socket();
    (socket, address.expect("an IPv4 address"))
}
