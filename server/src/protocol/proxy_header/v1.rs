//! Version 1: one line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Endpoints, MAX_LINE_LEN, Malformed};

/// What the line begins with.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// The length of the longest field: an IPv6 address whose last 32 bits are written as an IPv4 address.
const MAX_FIELD_LEN: usize = 45;
/// The length of the longest IPv4 address.
const MAX_IPV4_LEN: usize = 15;

/// A line of which the end has not come.
#[derive(Debug)]
pub(super) struct Line {
    /// Bytes so far.
    read: u8,
    part: Part,
    is_ipv6: bool,
    source: IpAddr,
    destination: IpAddr,
    source_port: u16,
    destination_port: u16,
    field: Field,
}

/// The part of a line that the next byte belongs to.
#[derive(Debug, Clone, Copy)]
enum Part {
    Signature,
    Family,
    Source,
    Destination,
    SourcePort,
    DestinationPort,
    LineFeed,
    /// What follows UNKNOWN.
    Ignored {
        after_cr: bool,
    },
}

/// The start of a field.
#[derive(Debug)]
struct Field {
    bytes: [u8; MAX_FIELD_LEN],
    len: u8,
}

impl Line {
    /// Creates a line of which nothing has come.
    pub(super) fn new() -> Self {
        let unspecified = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self {
            read: 0,
            part: Part::Signature,
            is_ipv6: false,
            source: unspecified,
            destination: unspecified,
            source_port: 0,
            destination_port: 0,
            field: Field {
                bytes: [0; MAX_FIELD_LEN],
                len: 0,
            },
        }
    }

    /// Adds the next byte, and returns the endpoints if the line ends with it.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<Endpoints>, Malformed> {
        let place = usize::from(self.read);
        self.read = self.read.saturating_add(1);
        self.part = match (self.part, byte) {
            (Part::Signature, _) => {
                if SIGNATURE.get(place) != Some(&byte) {
                    return Err(Malformed::NoHeader);
                }
                if place + 1 == SIGNATURE.len() {
                    Part::Family
                } else {
                    Part::Signature
                }
            }
            (Part::Family, b' ' | b'\r') => self.family(byte)?,
            (Part::Source, b' ') => {
                self.source = self.address()?;
                Part::Destination
            }
            (Part::Destination, b' ') => {
                self.destination = self.address()?;
                Part::SourcePort
            }
            (Part::SourcePort, b' ') => {
                self.source_port = self.port()?;
                Part::DestinationPort
            }
            (Part::DestinationPort, b'\r') => {
                self.destination_port = self.port()?;
                Part::LineFeed
            }
            (Part::DestinationPort, b'\n') => return Err(Malformed::BadLineEnd),
            (Part::LineFeed, b'\n') => {
                let client = SocketAddr::new(self.source, self.source_port);
                let server = SocketAddr::new(self.destination, self.destination_port);
                return Ok(Some(Endpoints::named(client, server)));
            }
            (Part::LineFeed, _) => return Err(Malformed::BadLineEnd),
            (Part::Ignored { after_cr: true }, b'\n') => return Ok(Some(Endpoints::Unknown)),
            (Part::Ignored { .. }, _) => Part::Ignored {
                after_cr: byte == b'\r',
            },
            (
                Part::Family
                | Part::Source
                | Part::Destination
                | Part::SourcePort
                | Part::DestinationPort,
                _,
            ) => {
                self.keep(byte)?;
                self.part
            }
        };
        if usize::from(self.read) == MAX_LINE_LEN {
            return Err(Malformed::TooLong);
        }
        Ok(None)
    }

    /// Adds a byte to the field at hand, and checks what its start alone can tell.
    fn keep(&mut self, byte: u8) -> Result<(), Malformed> {
        let error = match self.part {
            Part::Family => Malformed::UnknownFamily,
            Part::SourcePort | Part::DestinationPort => Malformed::BadPort,
            _ => Malformed::BadAddress,
        };
        let slot = self.field.bytes.get_mut(usize::from(self.field.len));
        *slot.ok_or(error)? = byte;
        self.field.len += 1;
        let field = self.field.text();
        let can_go_on = match self.part {
            Part::Family => ["TCP4", "TCP6", "UNKNOWN"]
                .iter()
                .any(|name| name.as_bytes().starts_with(field)),
            Part::SourcePort | Part::DestinationPort => port(field).is_some(),
            _ if self.is_ipv6 => byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'),
            _ => (byte.is_ascii_digit() || byte == b'.') && field.len() <= MAX_IPV4_LEN,
        };
        can_go_on.then_some(()).ok_or(error)
    }

    /// Ends the name of the family, and returns the part that follows. Only UNKNOWN may be the last word
    /// of its line.
    fn family(&mut self, end: u8) -> Result<Part, Malformed> {
        let part = match (self.field.text(), end) {
            (b"TCP4", b' ') => Part::Source,
            (b"TCP6", b' ') => {
                self.is_ipv6 = true;
                Part::Source
            }
            (b"UNKNOWN", _) => Part::Ignored {
                after_cr: end == b'\r',
            },
            _ => return Err(Malformed::UnknownFamily),
        };
        self.field.len = 0;
        Ok(part)
    }

    /// Ends an address, which is not decoded earlier: `10.0.0.1` may be the start of `10.0.0.123`.
    fn address(&mut self) -> Result<IpAddr, Malformed> {
        let text = str::from_utf8(self.field.text()).ok();
        let address = text.and_then(|text| {
            if self.is_ipv6 {
                text.parse().map(|ip: Ipv6Addr| ip.into()).ok()
            } else {
                text.parse().map(|ip: Ipv4Addr| ip.into()).ok()
            }
        });
        self.field.len = 0;
        address.ok_or(Malformed::BadAddress)
    }

    /// Ends a port.
    fn port(&mut self) -> Result<u16, Malformed> {
        let port = port(self.field.text());
        self.field.len = 0;
        port.ok_or(Malformed::BadPort)
    }
}

impl Field {
    fn text(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Parses a port without leading zeros.
fn port(digits: &[u8]) -> Option<u16> {
    let is_padded = digits.len() > 1 && digits.starts_with(b"0");
    if is_padded || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}
