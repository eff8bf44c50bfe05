//! Headers for tests, as proxies write them.

use powtcp_server::protocol::proxy_header::Endpoints;

use super::oracle::{SIGNATURE, crc32c, named};

/// An extension with a checksum, to be filled in.
pub(super) const CHECKSUM: &[u8] = &[3, 0, 4, 0, 0, 0, 0];
const ALPN: &[u8] = &[1, 0, 2, b'h', b'2'];
const UNIQUE_ID: &[u8] = &[5, 0, 5, b'1', b'2', b'3', b'4', b'5'];
const NOOP: &[u8] = &[4, 0, 0];
/// TLS with the extensions for its version and its cipher inside, and one that looks like a checksum.
const TLS: &[u8] = b"\x20\0\x1d\x01\0\0\0\0\x21\0\x07TLSv1.3\x23\0\x04AES!\x03\0\x04\0\0\0\0";

pub(super) const IPV4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0xcc, 0xa2, 0x01, 0xbb];

/// Returns 2001:db8::7 port 52386 to 2001:db8::1 port 443.
pub(super) fn ipv6() -> Vec<u8> {
    let mut block = vec![0; 36];
    for (start, last) in [(0, 7), (16, 1)] {
        block[start..start + 4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        block[start + 15] = last;
    }
    block[32..].copy_from_slice(&[0xcc, 0xa2, 0x01, 0xbb]);
    block
}

/// Returns a version 2 header, with its checksum filled in if one of `extensions` is [`CHECKSUM`].
pub(super) fn binary(command: u8, family: u8, block: &[u8], extensions: &[&[u8]]) -> Vec<u8> {
    let mut header = [&SIGNATURE[..], &[command, family, 0, 0], block].concat();
    let mut checksum = None;
    for extension in extensions {
        if *extension == CHECKSUM {
            checksum = Some(header.len() + 3);
        }
        header.extend_from_slice(extension);
    }
    let length = (header.len() - 16) as u16;
    header[14..16].copy_from_slice(&length.to_be_bytes());
    if let Some(start) = checksum {
        let crc = crc32c(&header).to_be_bytes();
        header[start..start + 4].copy_from_slice(&crc);
    }
    header
}

fn endpoints(client: &str, server: &str) -> Endpoints {
    let [client, server] = [client, server].map(|text| text.parse().expect("an address"));
    named(client, server)
}

/// Returns valid headers that have a checksum.
pub(super) fn checksummed() -> Vec<(Vec<u8>, Endpoints)> {
    let ipv4 = endpoints("192.0.2.7:52386", "198.51.100.1:443");
    let ipv6_ends = endpoints("[2001:db8::7]:52386", "[2001:db8::1]:443");
    vec![
        (binary(0x21, 0x11, IPV4, &[CHECKSUM]), ipv4),
        (
            binary(0x21, 0x11, IPV4, &[CHECKSUM, ALPN, UNIQUE_ID, TLS]),
            ipv4,
        ),
        (
            binary(0x21, 0x11, IPV4, &[ALPN, TLS, NOOP, CHECKSUM, NOOP]),
            ipv4,
        ),
        (
            binary(0x21, 0x21, &ipv6(), &[UNIQUE_ID, CHECKSUM]),
            ipv6_ends,
        ),
        (binary(0x21, 0x00, &[], &[CHECKSUM]), Endpoints::Unknown),
        (binary(0x20, 0x00, &[], &[NOOP, CHECKSUM]), Endpoints::Local),
        (binary(0x20, 0x11, IPV4, &[CHECKSUM]), Endpoints::Local),
        (
            binary(0x21, 0x31, &[b'u'; 216], &[CHECKSUM, ALPN]),
            Endpoints::Unknown,
        ),
    ]
}

/// Returns valid headers of all kinds.
pub(super) fn all() -> Vec<(Vec<u8>, Endpoints)> {
    let ipv4 = endpoints("192.0.2.7:52386", "198.51.100.1:443");
    let ipv6_ends = endpoints("[2001:db8::7]:52386", "[2001:db8::1]:443");
    let largest = endpoints(
        "[fedc:ba98:7654:3210:fedc:ba98:7654:3210]:65535",
        "[fedc:ba98:7654:3210:fedc:ba98:7654:3211]:65534",
    );
    let mapped: [u8; 36] = *b"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07\0\0\0\0\0\0\0\0\0\0\xff\xff\xc63\x64\x01\xcc\xa2\x01\xbb";
    let lines = [
        (
            "TCP4 192.168.0.1 192.168.0.11 56324 443",
            endpoints("192.168.0.1:56324", "192.168.0.11:443"),
        ),
        (
            "TCP4 0.0.0.0 255.255.255.255 0 65535",
            endpoints("0.0.0.0:0", "255.255.255.255:65535"),
        ),
        ("TCP6 2001:db8::7 2001:DB8:0:0::1 52386 443", ipv6_ends),
        ("TCP6 ::ffff:192.0.2.7 ::ffff:c633:6401 52386 443", ipv4),
        ("TCP6 :: ::1 1 2", endpoints("[::]:1", "[::1]:2")),
        (
            "TCP6 fedc:ba98:7654:3210:fedc:ba98:7654:3210 fedc:ba98:7654:3210:fedc:ba98:7654:3211 65535 65534",
            largest,
        ),
        ("UNKNOWN", Endpoints::Unknown),
        ("UNKNOWN ", Endpoints::Unknown),
        (
            "UNKNOWN ffff:f...f:ffff \r \n\u{fffd} \r",
            Endpoints::Unknown,
        ),
        (
            "UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
            Endpoints::Unknown,
        ),
    ];
    let lines = lines.map(|(text, ends)| (format!("PROXY {text}\r\n").into_bytes(), ends));
    let long = [&[0xea, 0x0f, 0xe1][..], &[0x5a; 0xfe1]].concat();
    let mut all = checksummed();
    all.extend(lines);
    all.extend([
        (binary(0x21, 0x11, IPV4, &[]), ipv4),
        (binary(0x21, 0x21, &ipv6(), &[ALPN]), ipv6_ends),
        (binary(0x21, 0x21, &mapped, &[]), ipv4),
        (binary(0x21, 0x11, IPV4, &[&long]), ipv4),
        (binary(0x20, 0x00, &[], &[]), Endpoints::Local),
        (binary(0x20, 0xff, &[], &[NOOP]), Endpoints::Local),
        (binary(0x20, 0x11, &[], &[UNIQUE_ID]), Endpoints::Local),
        (binary(0x20, 0x00, &[], &[b"junk"]), Endpoints::Local),
        (binary(0x20, 0x00, &[], &[&[4, 0, 1]]), Endpoints::Local),
        (binary(0x21, 0x00, &[], &[]), Endpoints::Unknown),
        (binary(0x21, 0x10, IPV4, &[]), Endpoints::Unknown),
        (binary(0x21, 0x12, IPV4, &[]), Endpoints::Unknown),
        (binary(0x21, 0x22, &ipv6(), &[]), Endpoints::Unknown),
        (binary(0x21, 0x32, &[0; 216], &[]), Endpoints::Unknown),
    ]);
    all
}
