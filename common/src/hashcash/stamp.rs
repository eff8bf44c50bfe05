//! A stamp as a server reads it: only as much of it as is needed to compare and to hash it.

use std::fmt;

use super::VERSION;

/// The text of a solved stamp whose shape is right. Its fields other than the counter are not
/// looked at: they are right if they equal those of the puzzle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    text: &'a [u8],
    prefix_len: usize,
}

/// A text that is no stamp: too few fields, a version other than 1, or a counter that is not 1 to
/// 32 characters of the base64 alphabet and `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAStamp;

/// `VERSION:BITS:DATE:RESOURCE:EXT:RAND:COUNTER`; a resource may hold further colons.
pub(super) const MIN_COLONS: u16 = 6;

/// The longest counter in characters: room for what other hashcash programs write there, hexadecimal
/// for one, and a bound on what a client can make us hash.
const MAX_COUNTER_LEN: usize = 32;

impl<'a> Stamp<'a> {
    /// Checks the shape of `text`.
    ///
    /// # Errors
    /// [`NotAStamp`], whatever is wrong.
    pub fn parse(text: &'a [u8]) -> Result<Self, NotAStamp> {
        let last = text
            .iter()
            .rposition(|&byte| byte == b':')
            .ok_or(NotAStamp)?;
        let stamp = Self {
            text,
            prefix_len: last + 1,
        };
        // Sums without a way out in between are computed in vectors.
        let colons: u16 = stamp
            .prefix()
            .iter()
            .map(|&byte| u16::from(byte == b':'))
            .sum();
        let has_version = text
            .strip_prefix(VERSION)
            .is_some_and(|rest| rest.starts_with(b":"));
        let counter = stamp.counter();
        let has_counter = (1..=MAX_COUNTER_LEN).contains(&counter.len())
            && counter
                .iter()
                .fold(true, |all, &byte| all & IS_BASE64[usize::from(byte)]);
        if colons >= MIN_COLONS && has_version && has_counter {
            Ok(stamp)
        } else {
            Err(NotAStamp)
        }
    }

    /// The whole text: what is hashed.
    pub const fn text(&self) -> &'a [u8] {
        self.text
    }

    /// All up to the counter, the colon before it included.
    pub fn prefix(&self) -> &'a [u8] {
        &self.text[..self.prefix_len]
    }

    /// The counter, as it is spelled.
    pub fn counter(&self) -> &'a [u8] {
        &self.text[self.prefix_len..]
    }
}

impl fmt::Display for NotAStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hashcash stamp")
    }
}

impl std::error::Error for NotAStamp {}

/// The alphabet of standard base64, and `=` (RFC 4648, 4), by byte.
static IS_BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        let c = byte as u8;
        table[byte] = c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_falls_apart_at_its_last_colon() {
        for prefix in [
            "1:20:261122105400:127.0.0.1/52386::YWJj:",
            "1:5:x:[::1]:80::r:",
            "1::::::",
        ] {
            let text = format!("{prefix}MTIz");
            let stamp = Stamp::parse(text.as_bytes()).unwrap();
            assert_eq!(stamp.prefix(), prefix.as_bytes());
            assert_eq!(stamp.counter(), b"MTIz");
            assert_eq!(stamp.text(), text.as_bytes());
        }
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        let cases = [
            "",
            "1",
            "1:20:261122105400:127.0.0.1/1:YWJj:MA==",
            "0:20:261122105400:127.0.0.1/1::YWJj:MA==",
            "11:20:261122105400:127.0.0.1/1::YWJj:MA==",
            ":20:261122105400:127.0.0.1/1::YWJj:MA==",
            " 1:20:261122105400:127.0.0.1/1::YWJj:MA==",
        ];
        for text in cases {
            assert_eq!(Stamp::parse(text.as_bytes()), Err(NotAStamp), "{text}");
        }
    }

    #[test]
    fn a_counter_is_1_to_32_characters_of_base64() {
        let parse = |counter: &[u8]| Stamp::parse(&[b"1::::::", counter].concat()).is_ok();
        for length in 0..100 {
            assert_eq!(
                parse(&vec![b'A'; length]),
                (1..=32).contains(&length),
                "{length}"
            );
        }
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
        for byte in (0..=u8::MAX).filter(|&byte| byte != b':') {
            assert_eq!(parse(&[b'A', byte]), alphabet.contains(&byte), "{byte}");
        }
    }
}
