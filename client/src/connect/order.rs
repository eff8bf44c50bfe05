//! The order in which addresses are tried (RFC 8305, 4).

use std::net::SocketAddr;

/// Returns `first`, then the other addresses, whose families alternate. It begins with the family
/// that the resolver put first, and keeps the resolver's order within each family.
pub(super) fn in_order(first: Option<SocketAddr>, found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut ordered: Vec<_> = first.into_iter().collect();
    let preferred = found.first().map(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|address| Some(address.is_ipv6()) == preferred);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    loop {
        let pair = [one.next(), other.next()];
        if pair == [None; 2] {
            return ordered;
        }
        for address in pair.into_iter().flatten() {
            if !ordered.contains(&address) {
                ordered.push(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an IPv4 address for a positive number, and an IPv6 address for a negative one.
    fn address(number: i8) -> SocketAddr {
        let port = u16::from(number.unsigned_abs());
        if number > 0 {
            ([127, 0, 0, 1], port).into()
        } else {
            ([0_u16; 8], port).into()
        }
    }

    fn assert_order(first: Option<i8>, found: &[i8], expected: &[i8]) {
        let addresses = |numbers: &[i8]| numbers.iter().copied().map(address).collect();
        let found: Vec<_> = addresses(found);
        let expected: Vec<_> = addresses(expected);
        assert_eq!(in_order(first.map(address), found), expected);
    }

    #[test]
    fn the_preferred_address_comes_first_and_only_once() {
        assert_order(None, &[1, 2, 3], &[1, 2, 3]);
        assert_order(Some(1), &[1, 2, 3], &[1, 2, 3]);
        assert_order(Some(3), &[1, 2, 3], &[3, 1, 2]);
        assert_order(Some(2), &[2, 1, 2], &[2, 1]);
        assert_order(Some(4), &[1, 2], &[4, 1, 2]);
        assert_order(Some(4), &[], &[4]);
    }

    #[test]
    fn the_families_alternate() {
        assert_order(None, &[-1, -2, -3, 4, 5], &[-1, 4, -2, 5, -3]);
        assert_order(None, &[1, -2, -3], &[1, -2, -3]);
        assert_order(None, &[1, 2, -3, -4], &[1, -3, 2, -4]);
        assert_order(Some(2), &[-1, 2, 3], &[2, -1, 3]);
        assert_order(None, &[], &[]);
    }
}
