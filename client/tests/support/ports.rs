//! Ports where no server listens yet.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// Returns a bound socket that does not listen, and its address. Connections are refused until the
/// socket listens.
pub(crate) fn taken_port() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a free descriptor");
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any_port.into()).expect("a free port");
    let address = socket
        .local_addr()
        .ok()
        .and_then(|address| address.as_socket());
    (socket, address.expect("the address of a bound socket"))
}
