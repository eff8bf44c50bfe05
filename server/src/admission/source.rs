//! The unit by which connections are counted.

use std::net::IpAddr;

/// The part of a client's address that is hard to choose: an IPv4 address, or the /64 network of an IPv6
/// address, which is the least that a site is assigned (RFC 6177) and contains 2^64 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Source(u64);

/// A network that is counted on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    /// The first 64 bits of its addresses, zero beyond `len`.
    pub(super) prefix: u64,
    /// The length of its prefix in bits.
    pub(super) len: u8,
}

impl Source {
    /// The source of all connections whose PROXY protocol header has not arrived yet, a prefix of IPv6
    /// multicast, which no client has. Where a balancer sends each header at once it has few connections; a
    /// peer that holds headers back makes it the busiest source, whose connections are evicted first.
    pub const UNNAMED: Self = Self((0xffff_fffe_u64 << 32).reverse_bits());

    /// IPv4 addresses are mapped into other prefixes of multicast.
    const IPV4: u64 = 0xffff_ffff << 32;

    /// Returns the network that is the source itself.
    pub(super) fn network(self) -> Network {
        Network {
            prefix: self.0.reverse_bits(),
            len: 64,
        }
    }

    /// Returns the /48 that contains an IPv6 source. An IPv4 source has no larger network that
    /// belongs to one customer.
    pub(super) fn site(self) -> Option<Network> {
        let prefix = self.0.reverse_bits();
        let is_ipv4 = prefix & Self::IPV4 == Self::IPV4;
        (!is_ipv4).then_some(Network {
            prefix: prefix & !0xffff,
            len: 48,
        })
    }
}

impl From<IpAddr> for Source {
    /// The bits are reversed because a B-tree whose keys arrive in ascending order fills its nodes by half
    /// only.
    fn from(ip: IpAddr) -> Self {
        let prefix = match ip.to_canonical() {
            IpAddr::V4(ip) => Self::IPV4 | u64::from(ip.to_bits()),
            IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
        };
        Self(prefix.reverse_bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network_of_64_bits() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(source("10.1.2.3"), source("::ffff:10.1.2.3"));
        assert_ne!(source("10.1.2.3"), source("10.1.2.4"));
        assert_ne!(source("0.0.0.1"), source("0:0:0:1::"));
        assert_eq!(source("2001:db8:1:2::3"), source("2001:db8:1:2:ffff::"));
        assert_ne!(source("2001:db8:1:2::3"), source("2001:db8:1:3::3"));
        assert_ne!(source("255.255.255.254"), Source::UNNAMED);
        assert_ne!(source("0.0.0.0"), Source::UNNAMED);
    }
    #[test]
    fn a_site_contains_the_sources_whose_first_48_bits_agree() {
        let site = |text: &str| Source::from(text.parse::<IpAddr>().unwrap()).site();
        assert_eq!(site("2001:db8:1:2::3"), site("2001:db8:1:ffff::"));
        assert_ne!(site("2001:db8:1:2::3"), site("2001:db8:2:2::3"));
        assert_eq!(site("10.1.2.3"), None);
    }
}
