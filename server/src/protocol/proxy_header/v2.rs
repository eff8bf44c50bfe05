//! Version 2: a binary header.
//!
//! | bytes | meaning |
//! | --- | --- |
//! | 12 | signature |
//! | 1 | version 2 in the upper half, command in the lower |
//! | 1 | address family in the upper half, transport protocol in the lower |
//! | 2 | the length of what follows, most significant byte first |
//! | 0, 12, 36 or 216 | addresses and ports of source and destination |
//! | the rest | extensions |

use std::array;
use std::net::{IpAddr, SocketAddr};

use super::crc32c::Crc32c;
use super::extensions::Extensions;
use super::{Endpoints, MAX_HEADER_LEN, Malformed};

/// What the header begins with. Servers of other protocols take it for garbage and fail early.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2 and the command PROXY: the connection is relayed for a client.
pub(super) const PROXY: u8 = 0x21;
/// Version 2 and the command LOCAL: the proxy itself connects, such as for a health check.
const LOCAL: u8 = 0x20;
/// Neither an address family nor a transport protocol.
pub(super) const UNSPECIFIED: u8 = 0x00;
/// TCP over IPv4.
pub(super) const TCP4: u8 = 0x11;
/// TCP over IPv6.
pub(super) const TCP6: u8 = 0x21;

/// The length of the part that every header has.
const FIXED_LEN: u16 = 16;
/// The length of the largest address block that is kept, that of IPv6.
const MAX_BLOCK_LEN: usize = 36;

/// A header of which the end has not come.
#[derive(Debug)]
pub(super) struct Header {
    /// Bytes so far.
    read: u16,
    is_local: bool,
    family: u8,
    /// Where the address block ends.
    block_end: u16,
    /// The length in total, once it is known.
    end: u16,
    block: [u8; MAX_BLOCK_LEN],
    extensions: Extensions,
    crc: Crc32c,
}

impl Header {
    /// Creates a header of which nothing has come.
    pub(super) fn new() -> Self {
        Self {
            read: 0,
            is_local: false,
            family: UNSPECIFIED,
            block_end: FIXED_LEN,
            end: FIXED_LEN,
            block: [0; MAX_BLOCK_LEN],
            extensions: Extensions::new(),
            crc: Crc32c::new(),
        }
    }

    /// Adds the next byte, and returns the endpoints if the header ends with it.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<Endpoints>, Malformed> {
        let place = self.read;
        self.read += 1;
        // The checksum is computed as if its own bytes were zero.
        let mut counted = byte;
        match place {
            0..12 => {
                if SIGNATURE[usize::from(place)] != byte {
                    return Err(Malformed::NoHeader);
                }
            }
            12 => self.is_local = is_local(byte)?,
            13 => self.family = self.checked_family(byte)?,
            14 => self.end = u16::from(byte) << 8,
            15 => self.set_length(self.end | u16::from(byte))?,
            _ if place < self.block_end => {
                // The rest of a block of AF_UNIX is skipped.
                if let Some(slot) = self.block.get_mut(usize::from(place - FIXED_LEN)) {
                    *slot = byte;
                }
            }
            _ => {
                match self.extensions.push(byte, self.end - self.read) {
                    Ok(is_checksum) if is_checksum => counted = 0,
                    Ok(_) => {}
                    // What follows LOCAL is to be skipped, and need not be extensions.
                    Err(_) if self.is_local => self.extensions.give_up(),
                    Err(why) => return Err(why),
                }
            }
        }
        self.crc.add(counted);
        if self.read < FIXED_LEN || self.read < self.end {
            return Ok(None);
        }
        match self.extensions.checksum() {
            Some(checksum) if checksum != self.crc.value() => Err(Malformed::WrongChecksum),
            _ => Ok(Some(self.endpoints())),
        }
    }

    /// Checks the family and the protocol. Those of LOCAL are to be ignored.
    fn checked_family(&self, byte: u8) -> Result<u8, Malformed> {
        let is_known = byte >> 4 <= 3 && byte & 0xf <= 2;
        let is_valid = is_known || self.is_local;
        is_valid.then_some(byte).ok_or(Malformed::UnknownFamily)
    }

    fn set_length(&mut self, length: u16) -> Result<(), Malformed> {
        if usize::from(length) > MAX_HEADER_LEN - usize::from(FIXED_LEN) {
            return Err(Malformed::TooLong);
        }
        let mut block_len = match self.family >> 4 {
            1 => 12,
            2 => 36,
            3 => 216,
            _ => 0,
        };
        if block_len > length {
            if !self.is_local {
                return Err(Malformed::TooShort);
            }
            // LOCAL should come without addresses, whatever its family.
            block_len = 0;
        }
        self.block_end = FIXED_LEN + block_len;
        self.end = FIXED_LEN + length;
        Ok(())
    }

    /// Returns the endpoints of a complete header.
    ///
    /// A receiver must accept LOCAL with the endpoints of the connection. Of PROXY we support TCP only.
    /// The specification wants valid families that a receiver does not support, here UDP and AF_UNIX, to
    /// be treated as unspecified ones, which may be accepted with the endpoints of the connection or be
    /// rejected. We accept: the proxy is trusted, and a client that reaches it over a UNIX socket has no
    /// other way to be served.
    fn endpoints(&self) -> Endpoints {
        match self.family {
            _ if self.is_local => Endpoints::Local,
            TCP4 => Endpoints::named(
                SocketAddr::new(IpAddr::from(self.bytes::<4>(0)), self.port(8)),
                SocketAddr::new(IpAddr::from(self.bytes::<4>(4)), self.port(10)),
            ),
            TCP6 => Endpoints::named(
                SocketAddr::new(IpAddr::from(self.bytes::<16>(0)), self.port(32)),
                SocketAddr::new(IpAddr::from(self.bytes::<16>(16)), self.port(34)),
            ),
            _ => Endpoints::Unknown,
        }
    }

    /// Returns the bytes of the address block from `start` on.
    fn bytes<const N: usize>(&self, start: usize) -> [u8; N] {
        array::from_fn(|index| self.block[start + index])
    }

    fn port(&self, start: usize) -> u16 {
        u16::from_be_bytes(self.bytes(start))
    }
}

/// Returns whether the command is LOCAL.
fn is_local(byte: u8) -> Result<bool, Malformed> {
    match byte {
        LOCAL => Ok(true),
        PROXY => Ok(false),
        _ if byte >> 4 == LOCAL >> 4 => Err(Malformed::UnknownCommand),
        _ => Err(Malformed::UnknownVersion),
    }
}
