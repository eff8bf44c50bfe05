//! Where to listen, as an operator writes it, and the addresses that it means.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use libc::EAFNOSUPPORT;
use powtcp_common::options::whole_number;
use socket2::{Domain, Socket, Type};

/// The longest name of a host (RFC 1035, 2.3.4).
const MAX_NAME_LEN: usize = 253;

/// A place to listen, not yet resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// `IP:PORT`.
    Address(SocketAddr),
    /// `HOST:PORT`: every address of this name.
    Name(String, u16),
    /// `:PORT`: every address of this machine, in both families.
    Everywhere(u16),
}

impl Listen {
    /// What [`Listen::parse`] accepts.
    pub const EXPECTED: &'static str =
        "IP:PORT, HOST:PORT or :PORT, such as 127.0.0.1:8080, [::]:8080 or localhost:8080";

    /// Parses `IP:PORT`, `HOST:PORT` or `:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(address));
        }
        let (host, port) = text.rsplit_once(':')?;
        let port = whole_number(port, 0..=u16::MAX)?;
        if host.is_empty() {
            return Some(Self::Everywhere(port));
        }
        is_name(host).then(|| Self::Name(host.to_string(), port))
    }

    /// Returns the addresses: at least one, and none twice. A name is looked up, which can take
    /// seconds.
    ///
    /// # Errors
    /// The look-up failed; the text has the name.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let (host, port) = match self {
            Self::Address(address) => return Ok(vec![*address]),
            Self::Everywhere(port) => return Ok(vec![everywhere(has_ipv6(), *port)]),
            Self::Name(host, port) => (host.as_str(), *port),
        };
        let failed = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot resolve '{host}': {error}"))
        };
        let mut addresses = Vec::new();
        for address in (host, port).to_socket_addrs().map_err(failed)? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(failed(io::Error::other("it has no address")));
        }
        Ok(addresses)
    }
}

/// Writes it as [`Listen::parse`] reads it.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
            Self::Everywhere(port) => write!(f, ":{port}"),
        }
    }
}

/// Returns whether `host` is the name of a host. Its last label is no number, so that a mistyped IPv4
/// address, such as `127.1` or `1.2.3.256`, is not looked up.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let has_known_bytes =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && !label.starts_with('-') && label.bytes().all(has_known_bytes)
    };
    let labels = host.strip_suffix('.').unwrap_or(host);
    let last = labels.rsplit('.').next().unwrap_or_default();
    host.len() <= MAX_NAME_LEN
        && labels.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the unspecified address. That of IPv6 serves both families.
fn everywhere(has_ipv6: bool, port: u16) -> SocketAddr {
    if has_ipv6 {
        (Ipv6Addr::UNSPECIFIED, port).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, port).into()
    }
}

/// Returns whether the kernel has IPv6. Other failures show when the server listens.
fn has_ipv6() -> bool {
    let probe = Socket::new(Domain::IPV6, Type::STREAM, None);
    !probe.is_err_and(|error| error.raw_os_error() == Some(EAFNOSUPPORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_bare_ports_are_told_apart() {
        let address = |text: &str| Listen::Address(text.parse().unwrap());
        let name = |host: &str, port| Listen::Name(host.into(), port);
        for (text, listen) in [
            ("127.0.0.1:8080", address("127.0.0.1:8080")),
            ("[::]:0", address("[::]:0")),
            (":8080", Listen::Everywhere(8080)),
            (":0", Listen::Everywhere(0)),
            ("localhost:8080", name("localhost", 8080)),
            ("a-b_c.example.:65535", name("a-b_c.example.", 65535)),
            ("3com.com:1", name("3com.com", 1)),
        ] {
            assert_eq!(Listen::parse(text), Some(listen.clone()), "{text}");
            assert_eq!(listen.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("{}:80", "a.".repeat(127));
        for text in [
            "",
            ":",
            "8080",
            "localhost",
            "localhost:",
            "localhost:65536",
            "localhost:-1",
            "localhost:+1",
            "127.0.0.1",
            "127.1:80",
            "1.2.3.256:80",
            "::1:80",
            "[::1]",
            "[localhost]:80",
            "a b:80",
            "http://a:80",
            "a:b:80",
            "-a:80",
            "a..b:80",
            ".:80",
            "ä:80",
            "a\0:80",
            "a\n:80",
            &long,
        ] {
            assert_eq!(Listen::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_bare_port_means_both_families_where_the_kernel_has_both() {
        assert_eq!(everywhere(true, 80).to_string(), "[::]:80");
        assert_eq!(everywhere(false, 80).to_string(), "0.0.0.0:80");
    }

    #[test]
    fn localhost_is_resolved_to_different_addresses_of_this_machine() {
        let addresses = Listen::parse("localhost:80").unwrap().resolve().unwrap();
        assert!(!addresses.is_empty());
        for (index, address) in addresses.iter().enumerate() {
            assert!(
                address.ip().is_loopback() && address.port() == 80,
                "{address}"
            );
            assert!(!addresses[..index].contains(address), "{addresses:?}");
        }
    }
}
