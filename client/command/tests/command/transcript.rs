//! Every byte that the client sends, compared with transcripts that were written by hand.

use powtcp_common::hashcash::Difficulty;

use crate::client::{ExpectClient, serve_once};
use crate::support::fake_server::Peer;

/// A puzzle of the hashcash dialect with 12 bits, without its counter.
const HASHCASH: &str = "1:12:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:";
/// A puzzle of the powtcp dialect, where three hex digits are 12 bits. Its date has 14 digits, and its
/// resource contains colons.
const POWTCP: &str = "1:3:20261122105400:[2001:db8::7]:52386::YWJjZGVmZ2hpamts:";
const DIALECTS: [&str; 2] = [HASHCASH, POWTCP];
const BITS: u32 = 12;

/// Expects exactly one message, whose stamp begins with `prefix`, ends with a counter in base64, and
/// has enough leading zero bits.
#[track_caller]
fn assert_pays(line: &str, prefix: &str) {
    let stamp = line
        .strip_prefix("3:")
        .and_then(|line| line.strip_suffix('\n'))
        .unwrap_or_else(|| panic!("{line:?} is no stamp"));
    let counter = stamp
        .strip_prefix(prefix)
        .unwrap_or_else(|| panic!("{stamp:?} does not begin like the puzzle"));
    let decimal = decoded(counter).unwrap_or_else(|| panic!("{counter:?} is not base64"));
    let number: u64 = decimal.parse().expect("a decimal number");
    assert_eq!(number.to_string(), decimal);
    assert!(number < 1 << 63);
    let difficulty = Difficulty::from_bits(BITS).expect("12 of 160 bits");
    assert!(difficulty.is_met_by(stamp.as_bytes()), "{stamp}");
}

/// Decodes ASCII text from padded standard base64 (RFC 4648, 4).
fn decoded(text: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if text.is_empty() || !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bits = Vec::new();
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|&known| known == digit)?;
        bits.extend((0..6).rev().map(|bit| (value >> bit & 1) as u8));
    }
    let byte = |bits: &[u8; 8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    String::from_utf8(bits.as_chunks().0.iter().map(byte).collect()).ok()
}

/// Plays a whole handshake with the puzzle of `prefix`, in which `say` sends each line of the server.
/// Checks every byte that the client sends and prints.
fn handshake(prefix: &'static str, threads: &str, say: fn(&mut Peer, &str)) {
    let (outcome, ()) = serve_once(&["--threads", threads], move |mut client| {
        assert_eq!(client.line(), "1:\n");
        say(&mut client, &format!("2:{prefix}MA=="));
        let stamp = client.line();
        assert_pays(&stamp, prefix);
        say(&mut client, "4:Don't Panic.");
        assert_eq!(client.rest(), "");
    });
    outcome.assert_printed("Don't Panic.");
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
}

#[test]
fn a_puzzle_of_either_dialect_is_requested_and_solved() {
    for prefix in DIALECTS {
        for threads in ["1", "2"] {
            handshake(prefix, threads, |client, line| {
                client.send(format!("{line}\n"));
            });
        }
    }
}

#[test]
fn lines_may_end_with_a_carriage_return() {
    for prefix in DIALECTS {
        handshake(prefix, "1", |client, line| {
            client.send(format!("{line}\r\n"));
        });
    }
}

#[test]
fn lines_may_arrive_one_byte_at_a_time() {
    for prefix in DIALECTS {
        handshake(prefix, "1", |client, line| {
            client.send_bytewise(format!("{line}\n"));
        });
    }
}

#[test]
fn messages_after_the_resource_are_ignored() {
    let (outcome, ()) = serve_once(&[], |mut client| {
        client.answer_request(format!("2:{HASHCASH}MA==\n"));
        assert_pays(&client.line(), HASHCASH);
        client.send("4:first\n4:second\n0:internal error\n");
        client.rest();
    });
    outcome.assert_printed("first");
}

#[test]
fn every_byte_of_a_resource_is_printed_up_to_the_maximum_length() {
    let longest = [b'x'; 65_536 - "4:\n".len()];
    for resource in [&b""[..], b" 4:0: ", b"\x1b[1mbold\0\xff\r", &longest] {
        let answer = [b"4:", resource, b"\n"].concat();
        let (outcome, ()) = serve_once(&[], move |mut client| {
            client.answer_request(format!("2:{HASHCASH}MA==\n"));
            client.line();
            client.send(answer);
            client.rest();
        });
        let printed = resource.strip_suffix(b"\r").unwrap_or(resource);
        outcome.assert_printed(printed);
    }
}

#[test]
fn the_longest_puzzle_whose_stamp_fits_into_a_line_is_solved() {
    let fixed = "1:0:261122105400:::r:";
    // The line also contains `3:`, up to 28 characters of the counter, and `\n`.
    let resource = "x".repeat(512 - "3:\n".len() - 28 - fixed.len());
    let prefix = fixed.replace(":::", &format!(":{resource}::"));
    let puzzle = format!("2:{prefix}MA==\n");
    let (outcome, stamp) = serve_once(&[], move |mut client| {
        client.answer_request(puzzle);
        let stamp = client.line();
        client.send("4:paid\n");
        client.rest();
        stamp
    });
    outcome.assert_printed("paid");
    assert!(stamp.starts_with(&format!("3:{prefix}")), "{stamp}");
    assert!(stamp.len() <= 512, "{stamp}");
}

#[test]
fn base64_is_decoded_as_the_rfc_specifies() {
    let known = [
        ("MA==", "0"),
        ("MTI=", "12"),
        ("MTIz", "123"),
        ("Zm9vYmE=", "fooba"),
    ];
    for (text, plain) in known {
        assert_eq!(decoded(text).as_deref(), Some(plain));
    }
    for text in ["", "MA=", "MA", "M===", "M-==", "MA=A"] {
        assert_eq!(decoded(text), None, "{text}");
    }
}
