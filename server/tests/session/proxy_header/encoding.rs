//! Guards the headers that we write.

use std::net::{IpAddr, SocketAddr};

use powtcp_common::address::ClientAddr;
use powtcp_server::protocol::proxy_header::{Endpoints, MAX_LINE_LEN, Version, encode};
use proptest::prelude::*;

use super::headers::{IPV4, binary, ipv6};
use super::oracle::{Reading, named, read};
use super::parse;

fn written(version: Version, client: &str, server: Option<&str>) -> Vec<u8> {
    let parsed = |text: &str| text.parse::<SocketAddr>().expect("an address");
    encode(version, parsed(client).into(), server.map(parsed))
}

#[test]
fn a_line_is_written_as_haproxy_writes_it() {
    for (client, server, line) in [
        (
            "192.0.2.7:52386",
            Some("198.51.100.1:443"),
            "TCP4 192.0.2.7 198.51.100.1 52386 443",
        ),
        (
            "[::ffff:192.0.2.7]:1",
            Some("[::ffff:10.0.0.1]:2"),
            "TCP4 192.0.2.7 10.0.0.1 1 2",
        ),
        (
            "[2001:db8::7]:0",
            Some("[2001:db8::1%5]:65535"),
            "TCP6 2001:db8::7 2001:db8::1 0 65535",
        ),
        (
            "192.0.2.7:1",
            Some("[2001:db8::1]:2"),
            "TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2",
        ),
        (
            "[2001:db8::1]:1",
            Some("192.0.2.7:2"),
            "TCP6 2001:db8::1 ::ffff:192.0.2.7 1 2",
        ),
        ("192.0.2.7:1", None, "UNKNOWN"),
        ("[2001:db8::7]:1", None, "UNKNOWN"),
    ] {
        let header = written(Version::V1, client, server);
        assert_eq!(
            String::from_utf8_lossy(&header),
            format!("PROXY {line}\r\n")
        );
    }
}

#[test]
fn a_binary_header_is_written_as_haproxy_writes_it() {
    let v2 = |client, server| written(Version::V2, client, server);
    assert_eq!(
        v2("192.0.2.7:52386", Some("198.51.100.1:443")),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc63\x64\x01\xcc\xa2\x01\xbb"
    );
    assert_eq!(
        v2(
            "[::ffff:192.0.2.7]:52386",
            Some("[::ffff:198.51.100.1]:443")
        ),
        binary(0x21, 0x11, IPV4, &[])
    );
    let both = v2("[2001:db8::7]:52386", Some("[2001:db8::1]:443"));
    assert_eq!(both, binary(0x21, 0x21, &ipv6(), &[]));
    assert_eq!(both.len(), 52);
    let mut mixed = ipv6();
    mixed[..16].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7]);
    assert_eq!(
        v2("192.0.2.7:52386", Some("[2001:db8::1]:443")),
        binary(0x21, 0x21, &mixed, &[])
    );
    assert_eq!(v2("192.0.2.7:1", None), b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0");
}

#[test]
fn the_longest_line_fits() {
    let ip = "[fedc:ba98:7654:3210:fedc:ba98:7654:3210]:65535";
    let line = written(Version::V1, ip, Some(ip));
    assert_eq!(line.len(), 104);
    assert!(line.len() <= MAX_LINE_LEN);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(
        ips in any::<[IpAddr; 2]>(),
        ports in any::<[u16; 2]>(),
        mapped in any::<[bool; 2]>(),
        is_known in prop::bool::weighted(0.9),
    ) {
        let address = |end: usize| {
            let ip = match ips[end] {
                IpAddr::V4(ip) if mapped[end] => ip.to_ipv6_mapped().into(),
                ip => ip,
            };
            SocketAddr::new(ip, ports[end])
        };
        let (client, server) = (address(0), address(1));
        let expected = if is_known { named(client, server) } else { Endpoints::Unknown };
        for version in [Version::V1, Version::V2] {
            let header = encode(version, ClientAddr::from(client), is_known.then_some(server));
            prop_assert_eq!(parse(&[&header]), (Ok(Some(expected)), header.len()));
            prop_assert_eq!(read(&header), Reading::Complete(expected, header.len()));
        }
    }
}
