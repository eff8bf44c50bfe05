//! Writes a header.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use powtcp_common::address::ClientAddr;

use super::{v1, v2};

/// The version of a header to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One line of text, at most [`MAX_LINE_LEN`](super::MAX_LINE_LEN) bytes.
    V1,
    /// Binary, at most 52 bytes.
    V2,
}

/// Returns the header that says that `client` connected to `server`.
///
/// `server` is the destination of the client's connection: our local address of it, or what the header
/// of a proxy before us named. Our upstream is not part of the header, even if it is a UNIX socket.
///
/// The header has one family for both addresses. If one of them is IPv6, the other is written as an
/// IPv4-mapped address, as HAProxy does. Without `server` it says only that the client is unknown. For
/// version 2 that is PROXY with an unspecified family: LOCAL would state that no client is behind the
/// connection.
pub fn encode(version: Version, client: ClientAddr, server: Option<SocketAddr>) -> Vec<u8> {
    let source = (client.ip(), client.port());
    let ends = server.map(|server| (source, (server.ip().to_canonical(), server.port())));
    match version {
        Version::V1 => line(ends),
        Version::V2 => binary(ends),
    }
}

type Ends = ((IpAddr, u16), (IpAddr, u16));

fn line(ends: Option<Ends>) -> Vec<u8> {
    let signature = String::from_utf8_lossy(v1::SIGNATURE);
    let text = match ends {
        None => format!("{signature}UNKNOWN\r\n"),
        Some(((IpAddr::V4(from), from_port), (IpAddr::V4(to), to_port))) => {
            format!("{signature}TCP4 {from} {to} {from_port} {to_port}\r\n")
        }
        Some(((from, from_port), (to, to_port))) => {
            let [from, to] = [from, to].map(as_ipv6);
            format!("{signature}TCP6 {from} {to} {from_port} {to_port}\r\n")
        }
    };
    text.into_bytes()
}

fn binary(ends: Option<Ends>) -> Vec<u8> {
    let (family, mut block) = match ends {
        None => (v2::UNSPECIFIED, Vec::new()),
        Some(((IpAddr::V4(from), _), (IpAddr::V4(to), _))) => {
            (v2::TCP4, [from.octets(), to.octets()].concat())
        }
        Some(((from, _), (to, _))) => {
            let block = [from, to].map(|ip| as_ipv6(ip).octets()).concat();
            (v2::TCP6, block)
        }
    };
    if let Some(((_, from_port), (_, to_port))) = ends {
        block.extend([from_port, to_port].map(u16::to_be_bytes).concat());
    }
    let length = (block.len() as u16).to_be_bytes();
    [&v2::SIGNATURE[..], &[v2::PROXY, family], &length, &block].concat()
}

fn as_ipv6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}
