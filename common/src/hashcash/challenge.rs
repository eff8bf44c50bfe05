//! A puzzle as a client reads it: a text to complete, and what a completion must achieve.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::stamp::MIN_COLONS;
use super::{Dialect, Difficulty, VERSION, ZERO_COUNTER};
use crate::message::MAX_CLIENT_LINE;

/// Characters of the longest counter: base64 of the 19 digits of 2^63 - 1.
pub(super) const MAX_COUNTER_LEN: usize = 28;

/// The longest prefix that still leaves room for `3:`, any counter and `\n` in one line.
const MAX_PREFIX_LEN: usize = MAX_CLIENT_LINE - 3 - MAX_COUNTER_LEN;

/// The text of a puzzle, understood as far as a client must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// All up to the counter, the colon before it included.
    prefix: Vec<u8>,
    dialect: Dialect,
    difficulty: Difficulty,
}

/// Why a text is no puzzle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeError {
    /// It has fewer than seven fields.
    TooFewFields,
    /// Its version is not 1.
    Version,
    /// Its difficulty is no number, or more than SHA-1 has bits.
    Bits,
    /// Its date has neither 12 nor 14 digits, so that its dialect is unknown.
    Date,
    /// It is so long that its stamp would not fit into one line.
    TooLong,
}

impl Challenge {
    /// Reads the payload of a puzzle message. The length of the date tells the dialect.
    ///
    /// # Errors
    /// The first thing found wrong, in the order of the fields.
    pub fn parse(text: &[u8]) -> Result<Self, ChallengeError> {
        if text.iter().filter(|&&byte| byte == b':').count() < usize::from(MIN_COLONS) {
            return Err(ChallengeError::TooFewFields);
        }
        let mut fields = text.split(|&byte| byte == b':');
        if fields.next() != Some(&VERSION[..]) {
            return Err(ChallengeError::Version);
        }
        let units = fields
            .next()
            .and_then(small_number)
            .ok_or(ChallengeError::Bits)?;
        let dialect = match fields.next().unwrap_or_default().len() {
            12 => Dialect::Hashcash,
            14 => Dialect::Powtcp,
            _ => return Err(ChallengeError::Date),
        };
        let bits = units * u32::from(dialect.bits_per_unit());
        let difficulty = Difficulty::from_bits(bits).ok_or(ChallengeError::Bits)?;
        let counter_len = text
            .rsplit(|&byte| byte == b':')
            .next()
            .unwrap_or_default()
            .len();
        let prefix = text[..text.len() - counter_len].to_vec();
        if prefix.len() > MAX_PREFIX_LEN {
            return Err(ChallengeError::TooLong);
        }
        Ok(Self {
            prefix,
            dialect,
            difficulty,
        })
    }

    /// The bits that a solution's hash must begin with.
    pub const fn difficulty(&self) -> Difficulty {
        self.difficulty
    }

    /// How it is spelled.
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// All up to the counter, the colon before it included.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The stamp that this puzzle and `counter` make, good or not.
    pub fn stamp(&self, counter: u64) -> Vec<u8> {
        let mut stamp = self.prefix.clone();
        stamp.extend_from_slice(STANDARD.encode(counter.to_string()).as_bytes());
        stamp
    }

    /// Whether `counter` solves it: the plain way, one hash of the whole stamp. It is the oracle
    /// that every faster search is held against.
    pub fn is_solved_by(&self, counter: u64) -> bool {
        self.difficulty.is_met_by(&self.stamp(counter))
    }
}

/// The puzzle as it came, but with a counter of zero.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.prefix))?;
        f.write_str(ZERO_COUNTER)
    }
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFewFields => "it has fewer than seven fields",
            Self::Version => "its version is not 1",
            Self::Bits => "its difficulty is no number of bits from 0 to 160",
            Self::Date => "its date has neither 12 nor 14 digits",
            Self::TooLong => "its stamp would not fit into one line",
        })
    }
}

impl std::error::Error for ChallengeError {}

/// A decimal number of one to three digits.
fn small_number(field: &[u8]) -> Option<u32> {
    if !(1..=3).contains(&field.len()) {
        return None;
    }
    field.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_are_told_apart_by_their_date() {
        let hashcash = b"1:20:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==";
        let challenge = Challenge::parse(hashcash).unwrap();
        assert_eq!(challenge.dialect(), Dialect::Hashcash);
        assert_eq!(challenge.difficulty().bits(), 20);
        assert_eq!(challenge.to_string().as_bytes(), hashcash);

        let powtcp = b"1:5:20261122105400:[::1]:52386::YWJjZGVmZ2hpamts:MA==";
        let challenge = Challenge::parse(powtcp).unwrap();
        assert_eq!(challenge.dialect(), Dialect::Powtcp);
        assert_eq!(challenge.difficulty().bits(), 20);
        assert_eq!(challenge.to_string().as_bytes(), powtcp);
        let prefix = &powtcp[..powtcp.len() - 4];
        assert_eq!(challenge.prefix(), prefix);
        assert_eq!(challenge.stamp(123), [prefix, b"MTIz"].concat());
    }

    #[test]
    fn each_fault_is_named() {
        let long = format!("1:20:261122105400:{}::YWJj:MA==", "x".repeat(500));
        let cases = [
            ("", ChallengeError::TooFewFields),
            ("1:20:261122105400:a:b:MA==", ChallengeError::TooFewFields),
            ("2:20:261122105400:a::b:MA==", ChallengeError::Version),
            ("1::261122105400:a::b:MA==", ChallengeError::Bits),
            ("1:-1:261122105400:a::b:MA==", ChallengeError::Bits),
            ("1:161:261122105400:a::b:MA==", ChallengeError::Bits),
            ("1:41:20261122105400:a::b:MA==", ChallengeError::Bits),
            (
                "1:99999999999999999999:261122105400:a::b:MA==",
                ChallengeError::Bits,
            ),
            ("1:20:2611221054:a::b:MA==", ChallengeError::Date),
            (&long, ChallengeError::TooLong),
        ];
        for (text, fault) in cases {
            assert_eq!(Challenge::parse(text.as_bytes()), Err(fault), "{text}");
        }
    }

    #[test]
    fn the_longest_stamp_fits_into_one_line() {
        let start = "1:20:261122105400:";
        let resource = "x".repeat(MAX_PREFIX_LEN - start.len() - "::r:".len());
        let challenge = Challenge::parse(format!("{start}{resource}::r:MA==").as_bytes()).unwrap();
        let longest = challenge.stamp(i64::MAX as u64);
        assert_eq!("3:".len() + longest.len() + "\n".len(), MAX_CLIENT_LINE);
        let text = format!("{start}{resource}y::r:MA==");
        assert_eq!(
            Challenge::parse(text.as_bytes()),
            Err(ChallengeError::TooLong)
        );
    }
}
