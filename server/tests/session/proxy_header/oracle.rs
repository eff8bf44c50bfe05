//! A second reading of the specification: the whole buffer at once, and nothing in the order of bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use powtcp_common::address::ClientAddr;
use powtcp_server::protocol::proxy_header::{Endpoints, MAX_HEADER_LEN, MAX_LINE_LEN};

pub(super) const SIGNATURE: [u8; 12] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];

/// What a buffer begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// A header of this length.
    Complete(Endpoints, usize),
    /// The start of what can become a header, or of what cannot.
    Incomplete,
    /// No header, whatever follows.
    Malformed,
}

/// Computes the checksum bit by bit.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        for bit in 0..8 {
            let is_odd = (crc ^ u32::from(byte >> bit)) & 1 == 1;
            crc >>= 1;
            if is_odd {
                crc ^= 0x82f6_3b78;
            }
        }
    }
    !crc
}

pub(super) fn named(client: SocketAddr, server: SocketAddr) -> Endpoints {
    let server = ClientAddr::from(server);
    Endpoints::Named {
        client: client.into(),
        server: SocketAddr::new(server.ip(), server.port()),
    }
}

pub(super) fn read(bytes: &[u8]) -> Reading {
    let starts = |start: &[u8]| start.iter().zip(bytes).all(|(one, other)| one == other);
    if bytes.is_empty() {
        Reading::Incomplete
    } else if starts(b"PROXY ") {
        read_line(bytes)
    } else if starts(&SIGNATURE) {
        read_binary(bytes)
    } else {
        Reading::Malformed
    }
}

fn read_line(bytes: &[u8]) -> Reading {
    let window = &bytes[..bytes.len().min(MAX_LINE_LEN)];
    let Some(len) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if window.len() == MAX_LINE_LEN {
            Reading::Malformed
        } else {
            Reading::Incomplete
        };
    };
    let text = String::from_utf8_lossy(&bytes[..len]);
    let endpoints = match text.split(' ').collect::<Vec<_>>()[..] {
        ["PROXY", "TCP4", source, destination, from, to] => {
            let [source, destination] = [source, destination].map(str::parse::<Ipv4Addr>);
            endpoints(source.ok(), destination.ok(), port(from), port(to))
        }
        ["PROXY", "TCP6", source, destination, from, to] => {
            let [source, destination] = [source, destination].map(str::parse::<Ipv6Addr>);
            endpoints(source.ok(), destination.ok(), port(from), port(to))
        }
        ["PROXY", unknown, ..] if unknown.split('\r').next() == Some("UNKNOWN") => {
            Some(Endpoints::Unknown)
        }
        _ => None,
    };
    endpoints.map_or(Reading::Malformed, |endpoints| {
        Reading::Complete(endpoints, len + 2)
    })
}

fn endpoints<T: Into<IpAddr>>(
    source: Option<T>,
    destination: Option<T>,
    from: Option<u16>,
    to: Option<u16>,
) -> Option<Endpoints> {
    let client = SocketAddr::new(source?.into(), from?);
    Some(named(client, SocketAddr::new(destination?.into(), to?)))
}

fn port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (port.to_string() == text).then_some(port)
}

fn read_binary(bytes: &[u8]) -> Reading {
    let Some((fixed, _)) = bytes.split_first_chunk::<16>() else {
        return Reading::Incomplete;
    };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(high) * 256 + usize::from(low);
    let is_proxy = command == 0x21;
    let is_known = family / 16 < 4 && family % 16 < 3;
    if !(0x20..=0x21).contains(&command) || is_proxy && !is_known || 16 + length > MAX_HEADER_LEN {
        return Reading::Malformed;
    }
    let of_family = [0, 12, 36, 216].get(usize::from(family / 16));
    let block_len = of_family.copied().unwrap_or(0);
    if is_proxy && block_len > length {
        return Reading::Malformed;
    }
    let Some(body) = bytes[16..].get(..length) else {
        return Reading::Incomplete;
    };
    let block_len = if block_len > length { 0 } else { block_len };
    let (block, extensions) = body.split_at(block_len);
    let is_right = checksum_is_right(&bytes[..16 + length], extensions);
    // What follows LOCAL need not be extensions.
    if !is_right.unwrap_or(!is_proxy) {
        return Reading::Malformed;
    }
    let endpoints = match (is_proxy, family) {
        (true, 0x11) => {
            let ip =
                |from: usize| IpAddr::from(*block[from..].first_chunk::<4>().expect("a block"));
            named(
                (ip(0), port_at(block, 8)).into(),
                (ip(4), port_at(block, 10)).into(),
            )
        }
        (true, 0x21) => {
            let ip =
                |from: usize| IpAddr::from(*block[from..].first_chunk::<16>().expect("a block"));
            named(
                (ip(0), port_at(block, 32)).into(),
                (ip(16), port_at(block, 34)).into(),
            )
        }
        (true, _) => Endpoints::Unknown,
        (false, _) => Endpoints::Local,
    };
    Reading::Complete(endpoints, 16 + length)
}

fn port_at(block: &[u8], from: usize) -> u16 {
    u16::from(block[from]) << 8 | u16::from(block[from + 1])
}

/// Returns whether the checksum among the extensions is right, if there is one; `None` if these are not
/// extensions that fill the end of the header.
fn checksum_is_right(header: &[u8], mut extensions: &[u8]) -> Option<bool> {
    let mut checksums = Vec::new();
    while let Some((&[kind, high, low], rest)) = extensions.split_first_chunk() {
        let (value, rest) = rest.split_at_checked(usize::from(high) * 256 + usize::from(low))?;
        if kind == 3 {
            checksums.push((value, header.len() - rest.len() - value.len()));
        }
        extensions = rest;
    }
    if !extensions.is_empty() {
        return None;
    }
    match checksums[..] {
        [] => Some(true),
        [(value, start)] if value.len() == 4 => {
            let mut zeroed = header.to_vec();
            zeroed[start..start + 4].fill(0);
            Some(crc32c(&zeroed).to_be_bytes() == value)
        }
        _ => None,
    }
}
