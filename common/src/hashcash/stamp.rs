//! A stamp as a server reads it. Parsing checks its shape only; the fields are read when the cheaper
//! checks have passed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::puzzle::{RAND_LEN, RAND_TEXT_LEN, Terms, is_resource_of};
use super::{Dialect, Difficulty, VERSION};
use crate::address::ClientAddr;
use crate::utc::Utc;

/// The text of a stamp with the right shape. The fields other than VERSION and COUNTER are not
/// checked: they are right if the server's signature in RAND is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    text: &'a [u8],
    prefix_len: usize,
}

/// The text is not a stamp: it has too few fields, a version other than 1, or a counter that is not
/// 1 to 32 characters of the base64 alphabet and `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAStamp;

/// The colons between seven fields. RESOURCE may contain more of them.
pub(super) const MIN_COLONS: usize = 6;

/// The longest counter in characters. It is longer than those of our solver, because other hashcash
/// programs write counters in other ways, such as hexadecimal. The limit bounds what a client can
/// make the server hash.
const MAX_COUNTER_LEN: usize = 32;

impl<'a> Stamp<'a> {
    /// Parses `text`, whose bytes come from a peer. Copies and hashes nothing.
    ///
    /// # Errors
    /// [`NotAStamp`] for a text with the wrong shape.
    pub fn parse(text: &'a [u8]) -> Result<Self, NotAStamp> {
        let last = text
            .iter()
            .rposition(|&byte| byte == b':')
            .ok_or(NotAStamp)?;
        let stamp = Self {
            text,
            prefix_len: last + 1,
        };
        // These two loops have no early exit, so the compiler can vectorize them.
        let colons = stamp.prefix().iter().filter(|&&byte| byte == b':').count();
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

    /// Returns the whole text, which is what the hash is computed over.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Returns the text before the counter, including the colon.
    pub fn prefix(&self) -> &'a [u8] {
        &self.text[..self.prefix_len]
    }

    /// Returns the text of the counter. The server does not decode it.
    pub fn counter(&self) -> &'a [u8] {
        &self.text[self.prefix_len..]
    }

    /// Returns the text before RAND, including the colon: what the server has signed.
    pub fn head(&self) -> &'a [u8] {
        let before_counter = self.text.get(..self.prefix_len - 1).unwrap_or_default();
        let colon = before_counter.iter().rposition(|&byte| byte == b':');
        &before_counter[..colon.map_or(0, |colon| colon + 1)]
    }

    /// Decodes RAND. Returns `None` if it is not base64 of [`RAND_LEN`] bytes.
    pub fn rand(&self) -> Option<[u8; RAND_LEN]> {
        let text = self.text.get(self.head().len()..self.prefix_len - 1)?;
        let text: &[u8; RAND_TEXT_LEN] = text.try_into().ok()?;
        let mut rand = [0; RAND_LEN];
        let len = STANDARD.decode_slice(text, &mut rand).ok()?;
        (len == RAND_LEN).then_some(rand)
    }

    /// Reads BITS, and the dialect from the length of DATE. Returns `None` if they are not those of a
    /// puzzle.
    pub fn terms(&self) -> Option<Terms> {
        let [bits, date] = self.bits_and_date()?;
        let dialect = Dialect::of_date(date)?;
        let units: u32 = str::from_utf8(bits).ok()?.parse().ok()?;
        let bits = units.checked_mul(u32::from(dialect.bits_per_unit()))?;
        let difficulty = Difficulty::from_bits(bits)?;
        Some(Terms {
            dialect,
            difficulty,
        })
    }

    /// Reads DATE as a Unix time in seconds. Returns `None` if it is not a date.
    pub fn issued(&self) -> Option<u64> {
        let [_, date] = self.bits_and_date()?;
        Utc::parse(date).map(Utc::to_unix)
    }

    /// Returns whether RESOURCE is the address and port of `client`.
    pub fn names(&self, client: ClientAddr) -> bool {
        let resource = || {
            let [_, date] = self.bits_and_date()?;
            let dialect = Dialect::of_date(date)?;
            let from_resource = self.head().splitn(4, |&byte| byte == b':').nth(3)?;
            // RESOURCE may contain colons; EXT, which follows it, does not.
            let before_ext = from_resource.strip_suffix(b":")?;
            let end = before_ext.iter().rposition(|&byte| byte == b':')?;
            Some(is_resource_of(&before_ext[..end], client, dialect))
        };
        resource().unwrap_or(false)
    }

    fn bits_and_date(&self) -> Option<[&'a [u8]; 2]> {
        let mut fields = self.text.split(|&byte| byte == b':').skip(1);
        Some([fields.next()?, fields.next()?])
    }
}

impl fmt::Display for NotAStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hashcash stamp")
    }
}

impl std::error::Error for NotAStamp {}

/// For each byte, whether it belongs to the alphabet of standard base64 or is `=` (RFC 4648, 4).
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
    fn the_counter_begins_after_the_last_colon() {
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
    fn a_text_with_the_wrong_shape_is_refused() {
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
