//! Ports where nobody answers.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 that is taken while the socket lives: connections are refused until it
/// listens.
pub(crate) fn taken_port() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket more");
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any_port.into()).expect("a port that is free");
    let address = socket
        .local_addr()
        .ok()
        .and_then(|address| address.as_socket());
    (socket, address.expect("an address of ours"))
}
