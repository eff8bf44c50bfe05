//! Connects to a server, whose name can stand for several addresses.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::conversation::{Conversation, time_left};
use crate::error::ClientError;

/// Connects to `server`, `HOST:PORT`, and returns the address that accepted the connection. Tries
/// `first` before all other addresses, even if the name no longer stands for it. All of this
/// together takes at most `timeout`, except the name lookup.
///
/// # Errors
/// [`ClientError::Connect`] with the error of the last address.
pub fn connect(
    server: &str,
    first: Option<SocketAddr>,
    timeout: Duration,
) -> Result<(Conversation, SocketAddr), ClientError> {
    let failed = |error| ClientError::Connect(server.to_string(), error);
    let deadline = Instant::now() + timeout;
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    let found = match server.to_socket_addrs() {
        Ok(found) => found.collect(),
        // A failed lookup is no reason to give up on an address that is already known.
        Err(_) if first.is_some() => Vec::new(),
        Err(error) => return Err(failed(error)),
    };
    for address in in_order(first, found) {
        let Some(left) = time_left(deadline) else {
            break;
        };
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(ClientError::Broken)?;
                return Ok((Conversation::new(stream), address));
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Returns `first`, then the other addresses in the order of `found`.
fn in_order(first: Option<SocketAddr>, mut found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    found.retain(|address| Some(*address) != first);
    first.into_iter().chain(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn addresses(ports: &[u16]) -> Vec<SocketAddr> {
        let address = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
        ports.iter().map(address).collect()
    }

    #[test]
    fn the_preferred_address_comes_first_and_only_once() {
        let cases: [(Option<u16>, &[u16], &[u16]); 6] = [
            (None, &[1, 2, 3], &[1, 2, 3]),
            (Some(1), &[1, 2, 3], &[1, 2, 3]),
            (Some(3), &[1, 2, 3], &[3, 1, 2]),
            (Some(2), &[2, 1, 2], &[2, 1]),
            (Some(4), &[1, 2], &[4, 1, 2]),
            (Some(4), &[], &[4]),
        ];
        for (first, found, expected) in cases {
            let first = first.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
            assert_eq!(in_order(first, addresses(found)), addresses(expected));
        }
    }

    #[test]
    fn the_preferred_address_is_used_although_the_name_has_another() {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [named, preferred] = listeners.each_ref().map(|l| l.local_addr().unwrap());
        let connected_to =
            |server: &str, first| connect(server, first, TIMEOUT).map(|(_, address)| address);
        let name = named.to_string();
        assert_eq!(connected_to(&name, None).unwrap(), named);
        assert_eq!(connected_to(&name, Some(preferred)).unwrap(), preferred);
        // No name server is asked for a name with an empty label (RFC 1035, 3.1).
        let unknown = "no..host:80";
        assert_eq!(connected_to(unknown, Some(preferred)).unwrap(), preferred);
        assert!(connected_to(unknown, None).is_err());

        let [_, closed] = listeners;
        drop(closed);
        assert_eq!(connected_to(&name, Some(preferred)).unwrap(), named);
    }
}
