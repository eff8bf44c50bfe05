//! The header of the PROXY protocol, versions 1 and 2: what a proxy sends before the bytes of a client,
//! to say who the client is (HAProxy's `doc/proxy-protocol.txt`).
//!
//! A header is parsed byte by byte as it arrives. Only the field or the address block at hand is kept:
//! extensions (TLVs) are checksummed and skipped.

mod crc32c;
mod encode;
mod extensions;
mod malformed;
mod v1;
mod v2;

use std::net::SocketAddr;

use powtcp_common::address::ClientAddr;

pub use encode::{Version, encode};
pub use malformed::Malformed;

/// The length of a version 1 header including its CRLF, the longest line that the specification has.
/// It stops a peer that sends a line without an end.
pub const MAX_LINE_LEN: usize = 107;

/// The length of a version 2 header in total. The specification allows 65,551 bytes, so a peer could
/// make us read and checksum that many for each connection. Real headers stay below a kilobyte.
pub const MAX_HEADER_LEN: usize = 4_096;

/// What a header says about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoints {
    /// The proxy relays a TCP connection.
    Named {
        /// Where the connection comes from.
        client: ClientAddr,
        /// The address to which the client connected. An IPv4-mapped one has become the IPv4 address.
        server: SocketAddr,
    },
    /// The proxy speaks for itself, as in a health check. The endpoints are those of the connection.
    Local,
    /// The proxy names no client, or none with TCP addresses. The endpoints are those of the connection,
    /// although the client is a different peer.
    Unknown,
}

/// Parses the header at the start of a connection. It takes at most 128 bytes, and no heap memory.
#[derive(Debug, Default)]
pub struct HeaderParser {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    V1(v1::Line),
    V2(v2::Header),
    Ended(Result<Endpoints, Malformed>),
}

impl HeaderParser {
    /// Creates a parser that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the header from the front of `input`, and leaves those that follow it.
    ///
    /// Returns `Ok(None)` when `input` is used up and the header continues in the next piece. Once the
    /// header has ended, every call returns the same and takes nothing.
    ///
    /// # Errors
    /// [`Malformed`] at the first byte that no header has at its place. That byte was taken.
    pub fn take(&mut self, input: &mut &[u8]) -> Result<Option<Endpoints>, Malformed> {
        loop {
            if let State::Ended(result) = self.state {
                return result.map(Some);
            }
            let Some((&byte, rest)) = input.split_first() else {
                return Ok(None);
            };
            *input = rest;
            if let Some(result) = self.push(byte).transpose() {
                self.state = State::Ended(result);
            }
        }
    }

    fn push(&mut self, byte: u8) -> Result<Option<Endpoints>, Malformed> {
        if matches!(self.state, State::Start) {
            self.state = match byte {
                b'P' => State::V1(v1::Line::new()),
                b'\r' => State::V2(v2::Header::new()),
                _ => return Err(Malformed::NoHeader),
            };
        }
        match &mut self.state {
            State::V1(line) => line.push(byte),
            State::V2(header) => header.push(byte),
            State::Start | State::Ended(_) => Ok(None),
        }
    }
}

impl Endpoints {
    /// Returns named endpoints without IPv4-mapped addresses.
    fn named(client: SocketAddr, server: SocketAddr) -> Self {
        Self::Named {
            client: client.into(),
            server: SocketAddr::new(server.ip().to_canonical(), server.port()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parser_is_small() {
        assert!(size_of::<HeaderParser>() <= 128);
        assert!(size_of::<Endpoints>() <= 56);
    }
}
