//! The unit by which connections are counted.

use std::net::IpAddr;

/// The part of a client's address that is hard to choose: an IPv4 address, or the /64 network of an IPv6
/// address, which is the least that a site is assigned (RFC 6177) and contains 2^64 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Source(u64);

/// IPv4 addresses are mapped into the prefixes of IPv6 multicast, which no client has.
const IPV4: u64 = 0xffff_ffff << 32;

impl Source {
    /// The source of all connections whose PROXY protocol header has not arrived yet, another prefix of
    /// multicast. Where a balancer sends each header at once it has few connections; a peer that holds
    /// headers back makes it the busiest source, whose connections are evicted first.
    pub const UNNAMED: Self = Self((0xffff_fffe_u64 << 32).reverse_bits());
}

impl From<IpAddr> for Source {
    /// The bits are reversed because a B-tree whose keys arrive in ascending order fills its nodes by half
    /// only.
    fn from(ip: IpAddr) -> Self {
        let prefix = match ip.to_canonical() {
            IpAddr::V4(ip) => IPV4 | u64::from(ip.to_bits()),
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
}
