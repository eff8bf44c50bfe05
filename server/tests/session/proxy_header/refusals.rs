//! Guards the reasons for which a header is refused, and that it is refused at the first wrong byte.

use powtcp_server::protocol::proxy_header::{MAX_HEADER_LEN, MAX_LINE_LEN, Malformed};

use super::headers::{CHECKSUM, IPV4, binary, ipv6};
use super::parse;

/// Bytes are refused with the last one of `wrong`, and not before.
#[track_caller]
fn assert_refused(wrong: &[u8], reason: Malformed) {
    let text = wrong.escape_ascii();
    let stream = [wrong, b"\r\n\0rest"].concat();
    assert_eq!(parse(&[&stream]), (Err(reason), wrong.len()), "{text}");
    let start = &wrong[..wrong.len() - 1];
    assert_eq!(parse(&[start]), (Ok(None), start.len()), "{text}");
}

#[test]
fn a_line_is_refused_at_its_first_wrong_byte() {
    use Malformed::*;
    for (wrong, reason) in [
        ("G", NoHeader),
        ("1", NoHeader),
        ("\n", NoHeader),
        ("p", NoHeader),
        ("PO", NoHeader),
        ("PROXX", NoHeader),
        ("PROXY\t", NoHeader),
        ("PROXY  ", UnknownFamily),
        ("PROXY t", UnknownFamily),
        ("PROXY TCP5", UnknownFamily),
        ("PROXY TCP ", UnknownFamily),
        ("PROXY TCP4\r", UnknownFamily),
        ("PROXY UNKNOWNX", UnknownFamily),
        ("PROXY UNKNOW ", UnknownFamily),
        ("PROXY TCP4  ", BadAddress),
        ("PROXY TCP4 :", BadAddress),
        ("PROXY TCP4 10.0.0 ", BadAddress),
        ("PROXY TCP4 10.0.0.256 ", BadAddress),
        ("PROXY TCP4 10.0.0.01 ", BadAddress),
        ("PROXY TCP4 100.100.100.1000", BadAddress),
        ("PROXY TCP4 1.2.3.4\r", BadAddress),
        ("PROXY TCP4 1.2.3.4 :", BadAddress),
        ("PROXY TCP6 1.2.3.4 ", BadAddress),
        ("PROXY TCP6 :::1 ", BadAddress),
        ("PROXY TCP6 ::1::2 ", BadAddress),
        ("PROXY TCP6 12345:: ", BadAddress),
        ("PROXY TCP6 1:2:3:4:5:6:7 ", BadAddress),
        ("PROXY TCP6 1:2:3:4:5:6:7:8:9 ", BadAddress),
        ("PROXY TCP6 fe80::1%", BadAddress),
        ("PROXY TCP6 [", BadAddress),
        (
            "PROXY TCP6 0000:0000:0000:0000:0000:ffff:255.255.255.2550",
            BadAddress,
        ),
        ("PROXY TCP4 1.2.3.4 1.2.3.4  ", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 -", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 00", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 65536", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 ", BadPort),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", BadLineEnd),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r", BadLineEnd),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r ", BadLineEnd),
    ] {
        assert_refused(wrong.as_bytes(), reason);
    }
}

#[test]
fn a_line_of_one_byte_too_much_is_refused() {
    let line = |len: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(len - 16)).into_bytes();
    assert!(
        parse(&[&line(MAX_LINE_LEN)])
            .0
            .is_ok_and(|result| result.is_some())
    );
    assert_refused(&line(MAX_LINE_LEN + 1)[..MAX_LINE_LEN], Malformed::TooLong);
    let mapped = "0000:0000:0000:0000:0000:ffff:255.255.255.255";
    let long = format!("PROXY TCP6 {mapped} {mapped} 65535 65535\r\n");
    assert_refused(&long.as_bytes()[..MAX_LINE_LEN], Malformed::TooLong);
}

#[test]
fn the_fixed_part_of_a_binary_header_is_refused_at_its_first_wrong_byte() {
    let header = binary(0x21, 0x11, IPV4, &[]);
    for place in 1..12 {
        let mut wrong = header[..=place].to_vec();
        wrong[place] ^= 0x20;
        assert_refused(&wrong, Malformed::NoHeader);
    }
    let fixed = |bytes: &[u8]| [&header[..12], bytes].concat();
    for byte in [0x00, 0x01, 0x10, 0x11, 0x30, 0x31, 0xf1] {
        assert_refused(&fixed(&[byte]), Malformed::UnknownVersion);
    }
    for command in 0x22..=0x2f {
        assert_refused(&fixed(&[command]), Malformed::UnknownCommand);
    }
    for family in [0x03, 0x13, 0x1f, 0x23, 0x33, 0x40, 0x41, 0xf1] {
        assert_refused(&fixed(&[0x21, family]), Malformed::UnknownFamily);
    }
    for (family, len) in [
        (0x11, 12),
        (0x12, 12),
        (0x10, 12),
        (0x21, 36),
        (0x22, 36),
        (0x31, 216),
    ] {
        assert_refused(&fixed(&[0x21, family, 0, len - 1]), Malformed::TooShort);
        assert!(parse(&[&fixed(&[0x21, family, 0, len])]).0.is_ok());
    }
    let [high, low] = ((MAX_HEADER_LEN - 15) as u16).to_be_bytes();
    assert_refused(&fixed(&[0x21, 0x11, high, low]), Malformed::TooLong);
    assert_refused(&fixed(&[0x20, 0x00, 0xff, 0xff]), Malformed::TooLong);
    assert!(parse(&[&fixed(&[0x21, 0x11, high, low - 1])]).0.is_ok());
}

#[test]
fn extensions_that_pass_the_end_are_refused() {
    for (family, block) in [
        (0x11, IPV4),
        (0x21, &ipv6()),
        (0x00, &[]),
        (0x31, &[1; 216]),
    ] {
        let header = |extension: &[u8]| binary(0x21, family, block, &[extension]);
        let start = 16 + block.len();
        assert_refused(&header(&[4])[..=start], Malformed::ExtensionTooLong);
        assert_refused(&header(&[4, 0])[..=start], Malformed::ExtensionTooLong);
        assert_refused(&header(&[4, 0, 1]), Malformed::ExtensionTooLong);
        assert_refused(
            &header(&[4, 0, 2, 9])[..start + 3],
            Malformed::ExtensionTooLong,
        );
        assert_refused(
            &header(&[4, 1, 0, 9])[..start + 3],
            Malformed::ExtensionTooLong,
        );
        assert_refused(
            &header(&[4, 0, 0, 9])[..start + 4],
            Malformed::ExtensionTooLong,
        );
    }
}

#[test]
fn a_checksum_is_checked_wherever_it_stands_and_for_local_too() {
    for (command, family, block) in [(0x21, 0x11, IPV4), (0x20, 0x00, &[]), (0x20, 0x11, IPV4)] {
        for before in [&[][..], &[4, 0, 1, 7]] {
            let mut header = binary(command, family, block, &[before, CHECKSUM]);
            assert!(parse(&[&header]).0.is_ok_and(|result| result.is_some()));
            let last = header.len() - 1;
            header[last] ^= 1;
            assert_refused(&header, Malformed::WrongChecksum);
            if command == 0x20 {
                // Two checksums, or one of another length, are no extensions, and LOCAL needs none.
                continue;
            }
            let twice = binary(
                command,
                family,
                block,
                &[before, CHECKSUM, &CHECKSUM[..3], &[0; 4]],
            );
            assert_refused(&twice[..twice.len() - 4], Malformed::BadChecksumField);
            for len in [0, 3, 5] {
                let field = [&[3, 0, len][..], &vec![0; len.into()]].concat();
                let header = binary(command, family, block, &[before, &field]);
                let end = 16 + block.len() + before.len() + 3;
                assert_refused(&header[..end], Malformed::BadChecksumField);
            }
        }
    }
}

#[test]
fn reasons_are_lower_case_texts_of_their_own() {
    use Malformed::*;
    let all = [
        NoHeader,
        TooLong,
        UnknownVersion,
        UnknownCommand,
        UnknownFamily,
        BadAddress,
        BadPort,
        BadLineEnd,
        TooShort,
        ExtensionTooLong,
        BadChecksumField,
        WrongChecksum,
    ];
    let texts: std::collections::BTreeSet<_> = all.iter().map(Malformed::to_string).collect();
    assert_eq!(texts.len(), all.len());
    assert_eq!(NoHeader.to_string(), "no PROXY protocol header");
    assert!(texts.iter().all(|text| !text.ends_with('.')));
}
