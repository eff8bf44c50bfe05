//! Sets of networks, as an operator lists them: `10.0.0.0/8,fd00::/8,192.0.2.1`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ranges::Ranges;

/// The bits of an IPv4 address, and of an IPv6 address.
const IPV4_BITS: u32 = 32;
const IPV6_BITS: u32 = 128;
/// The bits before the IPv4 address in an IPv4-mapped one (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u32 = 96;

/// The addresses of the IPv4 internet: below is "this network", above are multicast and reserved ones.
const IPV4_INTERNET: (u128, u128) = (0x0100_0000, 0xdfff_ffff);
/// The addresses of the IPv6 internet, 2000::/3 (RFC 4291, 2.4).
const IPV6_INTERNET: (u128, u128) = (0x2000 << 112, (0x4000 << 112) - 1);

/// A set of addresses of both families.
///
/// An IPv4-mapped IPv6 address counts as the IPv4 address, as everywhere in the server. So a network
/// within `::ffff:0:0/96` is the IPv4 network that it maps, and a larger one, such as `::/0`, has no
/// IPv4 address: it would match clients that its author did not think of.
///
/// Networks that overlap or touch are merged, and one lookup takes time logarithmic in their number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    ipv4: Ranges,
    ipv6: Ranges,
}

/// Why a text is not a list of networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworksError {
    /// The list is longer than [`Networks::MAX_LEN`].
    TooLong,
    /// The list has more than [`Networks::MAX_COUNT`] entries.
    TooMany,
    /// There is nothing before, between or after the commas.
    EmptyEntry,
    /// An entry does not begin with an IP address.
    NotAnAddress(String),
    /// What follows the slash is not a number of bits that the address has.
    WrongPrefix {
        /// The entry as it was written.
        entry: String,
        /// The most bits.
        max: u32,
    },
    /// The address has bits set beyond the prefix, so it may be that of a host.
    HostBits {
        /// The entry as it was written.
        entry: String,
        /// The network of this address and prefix.
        network: String,
    },
}

/// The first address of a network, and the length of its prefix.
#[derive(Clone, Copy)]
struct Network {
    bits: u32,
    first: u128,
    prefix: u32,
}

impl Networks {
    /// What [`Networks::parse`] accepts.
    pub const EXPECTED: &'static str =
        "networks and addresses separated by commas, such as 10.0.0.0/8,fd00::/8,192.0.2.1";
    /// The longest list in bytes. Log lines and `--check` show the list, and stay readable with it.
    pub const MAX_LEN: usize = 4_096;
    /// The most entries of a list. The list of a whole country is longer, and belongs in a firewall.
    pub const MAX_COUNT: usize = 256;

    /// Parses `IP/PREFIX` or `IP`, one or more, separated by commas. An address without a prefix is a
    /// network of one address.
    ///
    /// # Errors
    /// [`NetworksError`] for the first entry that is wrong.
    pub fn parse(text: &str) -> Result<Self, NetworksError> {
        if text.len() > Self::MAX_LEN {
            return Err(NetworksError::TooLong);
        }
        if text.split(',').count() > Self::MAX_COUNT {
            return Err(NetworksError::TooMany);
        }
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for entry in text.split(',') {
            let network = Network::parse(entry)?;
            let range = (network.first, network.last());
            if network.bits == IPV4_BITS {
                ipv4.push(range);
            } else {
                ipv6.push(range);
            }
        }
        Ok(Self {
            ipv4: Ranges::merge(ipv4),
            ipv6: Ranges::merge(ipv6),
        })
    }

    /// Returns whether the set has this address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (bits, address) = number(ip.to_canonical());
        let ranges = if bits == IPV4_BITS {
            &self.ipv4
        } else {
            &self.ipv6
        };
        ranges.covers(address, address)
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether the set has every public address of one family.
    pub fn covers_the_internet(&self) -> bool {
        self.covers_ipv4_internet() || self.covers_ipv6_internet()
    }

    /// Returns whether the set has every public IPv4 address, be it as a union such as
    /// `0.0.0.0/1,128.0.0.0/1`.
    pub fn covers_ipv4_internet(&self) -> bool {
        self.ipv4.covers(IPV4_INTERNET.0, IPV4_INTERNET.1)
    }

    /// Returns whether the set has every public IPv6 address, be it as a union.
    pub fn covers_ipv6_internet(&self) -> bool {
        self.ipv6.covers(IPV6_INTERNET.0, IPV6_INTERNET.1)
    }
}

/// Writes the fewest networks that make up the set, as [`Networks::parse`] reads them. An empty set, which
/// only `Default` creates, is an empty text.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (ranges, bits) in [(&self.ipv4, IPV4_BITS), (&self.ipv6, IPV6_BITS)] {
            for (first, exponent) in ranges.blocks() {
                let prefix = bits - exponent;
                let network = Network {
                    bits,
                    first,
                    prefix,
                };
                write!(f, "{separator}{network}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

impl Network {
    fn parse(entry: &str) -> Result<Self, NetworksError> {
        if entry.is_empty() {
            return Err(NetworksError::EmptyEntry);
        }
        let (address, prefix) = match entry.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (entry, None),
        };
        let ip: IpAddr = address
            .parse()
            .map_err(|_| NetworksError::NotAnAddress(entry.into()))?;
        let (bits, address) = number(ip);
        let prefix = match prefix {
            Some(digits) => length(digits, bits).ok_or_else(|| NetworksError::WrongPrefix {
                entry: entry.into(),
                max: bits,
            })?,
            None => bits,
        };
        let host_bits = address & below(bits - prefix);
        let network = Self::new(ip, prefix, address - host_bits);
        if host_bits != 0 {
            return Err(NetworksError::HostBits {
                entry: entry.into(),
                network: network.to_string(),
            });
        }
        Ok(network)
    }

    /// Returns the network that begins with `first`, in the family of `ip`, or in IPv4 if it is mapped.
    fn new(ip: IpAddr, prefix: u32, first: u128) -> Self {
        match (ip, ip.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(_)) if prefix >= MAPPED_PREFIX => Self {
                bits: IPV4_BITS,
                first: first & below(IPV4_BITS),
                prefix: prefix - MAPPED_PREFIX,
            },
            _ => Self {
                bits: number(ip).0,
                first,
                prefix,
            },
        }
    }

    fn last(&self) -> u128 {
        self.first | below(self.bits - self.prefix)
    }
}

/// Writes `IP/PREFIX`, or `IP` for a network of one address.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == IPV4_BITS {
            Ipv4Addr::from_bits(self.first as u32).fmt(f)?;
        } else {
            Ipv6Addr::from_bits(self.first).fmt(f)?;
        }
        if self.prefix == self.bits {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

impl fmt::Display for NetworksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "more than {} bytes", Networks::MAX_LEN),
            Self::TooMany => write!(f, "more than {} networks", Networks::MAX_COUNT),
            Self::EmptyEntry => f.write_str("a network is missing before or after a comma"),
            Self::NotAnAddress(entry) => {
                write!(f, "{}: not an IP address or network", entry.escape_debug())
            }
            Self::WrongPrefix { entry, max } => {
                let entry = entry.escape_debug();
                write!(f, "{entry}: the prefix is not a number from 0 to {max}")
            }
            Self::HostBits { entry, network } => {
                write!(f, "{entry}: host bits are set; did you mean {network}?")
            }
        }
    }
}

impl std::error::Error for NetworksError {}

/// Returns the number of bits of an address, and the bits.
fn number(ip: IpAddr) -> (u32, u128) {
    match ip {
        IpAddr::V4(ip) => (IPV4_BITS, ip.to_bits().into()),
        IpAddr::V6(ip) => (IPV6_BITS, ip.to_bits()),
    }
}

/// Returns a number whose lowest `count` bits are set.
fn below(count: u32) -> u128 {
    u128::MAX.checked_shr(u128::BITS - count).unwrap_or(0)
}

/// Parses the length of a prefix: digits without a sign or leading zeros, at most `max`.
fn length(digits: &str, max: u32) -> Option<u32> {
    let is_padded = digits.len() > 1 && digits.starts_with('0');
    let has_digits_only = digits.bytes().all(|byte| byte.is_ascii_digit());
    let length = digits.parse().ok()?;
    (has_digits_only && !is_padded && length <= max).then_some(length)
}
