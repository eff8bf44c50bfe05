//! Guards the header of the PROXY protocol: known headers, every cut and every flipped bit of them, and
//! random bytes against a second parser.

mod encoding;
mod fuzz;
mod headers;
mod oracle;
mod refusals;

use powtcp_server::protocol::proxy_header::{Endpoints, HeaderParser, Malformed};

use self::headers::{all, checksummed};
use self::oracle::{Reading, read};

type Parsed = Result<Option<Endpoints>, Malformed>;

/// Parses the pieces, and returns the result with the number of bytes taken.
fn parse(pieces: &[&[u8]]) -> (Parsed, usize) {
    let mut parser = HeaderParser::new();
    let mut taken = 0;
    let mut result = Ok(None);
    for piece in pieces {
        let mut input = *piece;
        result = parser.take(&mut input);
        taken += piece.len() - input.len();
        if result != Ok(None) {
            break;
        }
        assert!(input.is_empty());
    }
    (result, taken)
}

#[test]
fn known_headers_name_their_endpoints_and_what_follows_is_left() {
    for (header, endpoints) in all() {
        let text = header.escape_ascii();
        let stream = [&header[..], b"\r\nPROXY "].concat();
        let expected = (Ok(Some(endpoints)), header.len());
        assert_eq!(parse(&[&stream]), expected, "{text}");
        assert_eq!(
            read(&stream),
            Reading::Complete(endpoints, header.len()),
            "{text}"
        );
    }
}

#[test]
fn every_cut_of_a_header_gives_the_same_endpoints() {
    for (header, endpoints) in all() {
        let stream = [&header[..], b"rest"].concat();
        let expected = (Ok(Some(endpoints)), header.len());
        let bytes: Vec<_> = stream.chunks(1).collect();
        assert_eq!(parse(&bytes), expected);
        for cut in 0..=stream.len() {
            let (start, end) = stream.split_at(cut);
            assert_eq!(parse(&[start, &[], end]), expected, "cut at {cut}");
        }
    }
}

#[test]
fn every_start_of_a_header_waits_for_more() {
    for (header, _) in all() {
        for len in 0..header.len() {
            assert_eq!(parse(&[&header[..len]]), (Ok(None), len));
        }
    }
}

#[test]
fn a_header_that_has_ended_takes_nothing_more() {
    for (bytes, expected) in [
        (&b"PROXY UNKNOWN\r\n"[..], Ok(Some(Endpoints::Unknown))),
        (b"PROXY TCP5", Err(Malformed::UnknownFamily)),
    ] {
        let mut parser = HeaderParser::new();
        assert_eq!(parser.take(&mut &*bytes), expected);
        let mut rest = &b"PROXY UNKNOWN\r\n"[..];
        assert_eq!((parser.take(&mut rest), rest.len()), (expected, 15));
    }
}

#[test]
fn no_flipped_bit_of_a_header_with_a_checksum_gives_other_endpoints() {
    for (header, endpoints) in checksummed() {
        let block_len = match header[13] >> 4 {
            1 => 12,
            2 => 36,
            3 => 216,
            _ => 0,
        };
        for bit in 0..header.len() * 8 {
            let mut flipped = header.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (result, _) = parse(&[&flipped]);
            if let Ok(Some(parsed)) = result {
                // The checksum is optional: a flip can make another extension of it, and no more. What
                // follows LOCAL says nothing about the endpoints.
                assert_eq!(parsed, endpoints, "bit {bit}");
                let is_local = endpoints == Endpoints::Local;
                assert!(is_local || bit / 8 >= 16 + block_len, "bit {bit}");
            }
        }
    }
}
