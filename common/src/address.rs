//! The address of a client, as stamps and log lines write it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Where a client connects from. An IPv4-mapped IPv6 address is the IPv4 address; flow label and
/// scope are dropped. 20 bytes, where a `SocketAddr` takes 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr {
    ip: IpAddr,
    port: u16,
}

impl ClientAddr {
    /// The address, never an IPv4-mapped one.
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The port.
    pub const fn port(&self) -> u16 {
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

/// `IP:PORT` or `[IPv6]:PORT`.
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
