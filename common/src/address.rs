//! The address of a client in the form that stamps and log lines show.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The address and port of a client.
///
/// An IPv4-mapped IPv6 address becomes the IPv4 address; the flow label and the scope of an IPv6
/// address are dropped. The type takes 20 bytes, and a `SocketAddr` 32: a server holds one for each
/// connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr {
    ip: IpAddr,
    port: u16,
}

impl ClientAddr {
    /// Returns the address, which is never an IPv4-mapped one.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl From<SocketAddr> for ClientAddr {
    fn from(address: SocketAddr) -> Self {
        Self {
            ip: address.ip().to_canonical(),
            port: address.port(),
        }
    }
}

/// Writes `IP:PORT` or `[IPv6]:PORT`.
impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_written_as_ipv4() {
        let cases = [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::ffff:10.1.2.3]:65535", "10.1.2.3:65535"),
            ("[2001:db8::7]:1", "[2001:db8::7]:1"),
            ("[fe80::1%3]:1", "[fe80::1]:1"),
        ];
        for (given, written) in cases {
            let address: SocketAddr = given.parse().unwrap();
            assert_eq!(ClientAddr::from(address).to_string(), written);
        }
    }
}
