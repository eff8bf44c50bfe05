//! Guards sets of networks: against `ipnet` as a model, at the ends of every network, and in errors.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use powtcp_server::admission::{Networks, NetworksError};
use proptest::collection::vec;
use proptest::prelude::*;

fn parse(text: &str) -> Networks {
    Networks::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Returns the addresses before and after this one, as far as the family has them.
fn neighbors(ip: IpAddr) -> Vec<IpAddr> {
    let by = |step: i8| match ip {
        IpAddr::V4(ip) => {
            let bits = ip.to_bits().checked_add_signed(step.into())?;
            Some(IpAddr::from(Ipv4Addr::from_bits(bits)))
        }
        IpAddr::V6(ip) => {
            let bits = ip.to_bits().checked_add_signed(step.into())?;
            Some(IpAddr::from(Ipv6Addr::from_bits(bits)))
        }
    };
    [-1, 1].into_iter().filter_map(by).collect()
}

#[test]
fn a_network_of_every_length_ends_where_it_should() {
    for (address, bits) in [
        ("172.217.85.170", 32),
        ("2a00:dead:beef:1234:5678:9abc:def0:1235", 128),
    ] {
        for prefix in 0..=bits {
            let network = IpNet::new(ip(address), prefix).expect("a prefix").trunc();
            let networks = parse(&network.to_string());
            for end in [network.network(), network.broadcast()] {
                assert!(networks.contains(end), "{network} has {end}");
                for ip in neighbors(end) {
                    assert_eq!(
                        networks.contains(ip),
                        network.contains(&ip),
                        "{network}, {ip}"
                    );
                }
            }
            assert!(networks.contains(ip(address)));
            assert_eq!(parse(&networks.to_string()), networks);
        }
    }
}

#[test]
fn the_first_and_the_last_address_of_a_family_can_be_a_network() {
    for (alone, other) in [
        ("0.0.0.0", "0.0.0.1"),
        ("255.255.255.255", "255.255.255.254"),
        ("::", "::1"),
        (
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
        ),
    ] {
        let networks = parse(alone);
        assert!(networks.contains(ip(alone)) && !networks.contains(ip(other)));
        assert_eq!(networks.to_string(), alone);
    }
}

#[test]
fn families_are_apart_and_a_mapped_address_is_ipv4() {
    let both = parse("10.0.0.0/8,fd00::/8,192.0.2.1");
    for inside in ["10.255.0.1", "::ffff:10.1.2.3", "fdff::1", "192.0.2.1"] {
        assert!(both.contains(ip(inside)), "{inside}");
    }
    for outside in [
        "11.0.0.0",
        "::ffff:11.1.2.3",
        "::10.1.2.3",
        "fc00::1",
        "192.0.2.2",
    ] {
        assert!(!both.contains(ip(outside)), "{outside}");
    }
    let all_ipv6 = parse("::/0");
    assert!(all_ipv6.contains(ip("2001:db8::1")));
    assert!(!all_ipv6.contains(ip("10.0.0.1")) && !all_ipv6.contains(ip("::ffff:10.0.0.1")));
    assert!(!parse("0.0.0.0/0").contains(ip("::1")));
    assert!(!Networks::default().contains(ip("0.0.0.0")));
    assert!(!Networks::default().contains(ip("::")));
}

#[test]
fn the_text_is_the_shortest_list_of_the_same_networks() {
    for (given, written) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.1/32,::1/128", "192.0.2.1,::1"),
        ("fd00::/8,10.0.0.0/8", "10.0.0.0/8,fd00::/8"),
        ("10.0.0.0/9,10.128.0.0/9", "10.0.0.0/8"),
        ("10.0.0.0/8,10.1.0.0/16,10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.1,10.0.0.2", "10.0.0.1,10.0.0.2"),
        ("10.0.0.1,10.0.0.2,10.0.0.0,10.0.0.3", "10.0.0.0/30"),
        ("0.0.0.0/1,128.0.0.0/1", "0.0.0.0/0"),
        ("8000::/1,::/1", "::/0"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::fffe:0:0/95", "::fffe:0:0/95"),
    ] {
        assert_eq!(parse(given).to_string(), written, "{given}");
    }
    assert_eq!(Networks::default().to_string(), "");
}

#[test]
fn a_set_with_the_whole_internet_is_told_from_others() {
    for (text, ipv4, ipv6) in [
        ("0.0.0.0/0", true, false),
        ("::/0", false, true),
        ("::/0,0.0.0.0/0", true, true),
        ("0.0.0.0/1,128.0.0.0/1", true, false),
        ("0.0.0.0/1,128.0.0.0/2,192.0.0.0/3", true, false),
        ("::ffff:0:0/96", true, false),
        ("2000::/3", false, true),
        ("2000::/4,3000::/4", false, true),
        ("0.0.0.0/1,128.0.0.0/2", false, false),
        ("0.0.0.0/1,128.0.0.0/2,192.0.0.0/4", false, false),
        (
            "128.0.0.0/1,2.0.0.0/7,4.0.0.0/6,8.0.0.0/5,16.0.0.0/4,32.0.0.0/3,64.0.0.0/2",
            false,
            false,
        ),
        ("2000::/4", false, false),
        ("3000::/4,fd00::/8", false, false),
        ("10.0.0.0/8,fd00::/8", false, false),
    ] {
        let networks = parse(text);
        let covered = (
            networks.covers_ipv4_internet(),
            networks.covers_ipv6_internet(),
        );
        assert_eq!(covered, (ipv4, ipv6), "{text}");
    }
    let none = Networks::default();
    assert!(!none.covers_ipv4_internet() && !none.covers_ipv6_internet());
}

#[test]
fn host_bits_are_refused_and_the_network_is_named() {
    for (text, network) in [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.0.0.1/31", "10.0.0.0/31"),
        ("1.2.3.4/0", "0.0.0.0/0"),
        ("2001:db8::1/64", "2001:db8::/64"),
        ("::1/127", "::/127"),
        ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ("::ffff:0:0/90", "::ffc0:0:0/90"),
    ] {
        let error = Networks::parse(text).expect_err("host bits").to_string();
        let expected = format!("{text}: host bits are set; did you mean {network}?");
        assert_eq!(error, expected);
        parse(network);
    }
}

#[test]
fn each_error_says_what_is_wrong_and_where() {
    let empty = "a network is missing before or after a comma";
    for text in ["", ",", "10.0.0.0/8,", ",10.0.0.0/8", "::1,,::2"] {
        let error = Networks::parse(text).expect_err("an empty entry");
        assert_eq!(
            (error.to_string().as_str(), &error),
            (empty, &NetworksError::EmptyEntry)
        );
    }
    for entry in [
        "x",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.0/8",
        "/8",
        "[::1]",
        "::1%lo",
        " ::1",
        "::1 ",
        "fe80::1%1/64",
        "localhost",
        "10.0.0.0:80",
        "1:2",
        "10.0.0.0-10.0.0.9",
    ] {
        let error = Networks::parse(&format!("::1,{entry},x")).expect_err(entry);
        assert_eq!(error, NetworksError::NotAnAddress(entry.into()));
        assert_eq!(
            error.to_string(),
            format!("{entry}: not an IP address or network")
        );
    }
    for (address, max) in [("10.0.0.0", 32), ("fd00::", 128)] {
        for prefix in [
            "",
            "129",
            "-1",
            "+8",
            "08",
            "00",
            " 8",
            "8 ",
            "8/8",
            "255.0.0.0",
            "4294967304",
        ] {
            let entry = format!("{address}/{prefix}");
            let error = Networks::parse(&entry).expect_err(&entry).to_string();
            assert_eq!(
                error,
                format!("{entry}: the prefix is not a number from 0 to {max}")
            );
        }
    }
    assert!(Networks::parse("10.0.0.0/33").is_err());
    let error = Networks::parse("\u{1b}[2J")
        .expect_err("no address")
        .to_string();
    assert!(!error.contains('\u{1b}'), "{error}");
}

#[test]
fn a_list_has_a_longest_length_and_a_largest_count() {
    let of = |count| vec!["::"; count].join(",");
    assert!(Networks::parse(&of(Networks::MAX_COUNT)).is_ok());
    assert_eq!(
        Networks::parse(&of(Networks::MAX_COUNT + 1)),
        Err(NetworksError::TooMany)
    );
    let long = ["1111:2222:3333:4444:5555:6666:7777:8888"; 103].join(",");
    let padded = |len: usize| format!("{},{}", &long[..4_079], "1".repeat(len - 4_080));
    assert_eq!(Networks::parse(&padded(4_097)), Err(NetworksError::TooLong));
    assert!(matches!(
        Networks::parse(&padded(4_096)),
        Err(NetworksError::NotAnAddress(_))
    ));
    let error = NetworksError::TooLong.to_string();
    assert_eq!(error, "more than 4096 bytes");
    assert_eq!(NetworksError::TooMany.to_string(), "more than 256 networks");
}

/// A network of any length, most often near others.
fn networks() -> impl Strategy<Value = IpNet> {
    let near4 = (0..64_u32).prop_map(|low| 0x0a00_0000 | low);
    let near6 = (0..64_u128).prop_map(|low| 0xfd00 << 112 | low);
    let ipv4 = prop_oneof![2 => near4, 1 => any::<u32>()];
    let ipv6 = prop_oneof![2 => near6, 1 => any::<u128>()];
    let length = |bits: u8| prop_oneof![3 => bits - 6..=bits, 1 => 0..=bits];
    let of = |(ip, prefix): (IpAddr, u8)| IpNet::new(ip, prefix).expect("a prefix").trunc();
    prop_oneof![
        (
            ipv4.prop_map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits))),
            length(32)
        )
            .prop_map(of),
        (
            ipv6.prop_map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits))),
            length(128)
        )
            .prop_map(of),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_set_has_the_addresses_of_its_networks_and_no_other(
        list in vec(networks(), 1..12),
        random in vec(any::<IpAddr>(), 4),
    ) {
        let texts: Vec<_> = list.iter().map(IpNet::to_string).collect();
        let set = parse(&texts.join(","));
        let ends = list.iter().flat_map(|network| [network.network(), network.broadcast()]);
        let ends: Vec<_> = ends.collect();
        let near = ends.iter().copied().flat_map(neighbors);
        for ip in ends.iter().copied().chain(near).chain(random) {
            let expected = list.iter().any(|network| network.contains(&ip.to_canonical()));
            prop_assert_eq!(set.contains(ip), expected, "{} in {}", ip, set);
        }
        let mut merged = IpNet::aggregate(&list);
        merged.sort();
        let merged: Vec<_> = merged.iter().map(|network| {
            let is_host = network.prefix_len() == network.max_prefix_len();
            if is_host { network.addr().to_string() } else { network.to_string() }
        }).collect();
        prop_assert_eq!(set.to_string(), merged.join(","));
        prop_assert_eq!(parse(&set.to_string()), set);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a-f:./,% x]{0,40}") {
        if let Ok(set) = Networks::parse(&text) {
            prop_assert_eq!(&parse(&set.to_string()), &set);
        }
    }
}
