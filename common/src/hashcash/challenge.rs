//! A puzzle as a client reads it: the text that a counter completes, and the difficulty.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::stamp::MIN_COLONS;
use super::{Dialect, Difficulty, VERSION, ZERO_COUNTER};
use crate::message::MAX_CLIENT_LINE;
use crate::utc::Utc;

/// The length of the longest counter of our solver in characters: base64 of the 19 digits of
/// 2^63 - 1.
pub(super) const MAX_COUNTER_LEN: usize = 28;

/// The longest prefix that leaves room for `3:`, any counter and `\n` in a client's line.
const MAX_PREFIX_LEN: usize = MAX_CLIENT_LINE - 3 - MAX_COUNTER_LEN;

/// A puzzle, parsed as far as a client needs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The text before the counter, including the colon.
    prefix: Vec<u8>,
    dialect: Dialect,
    difficulty: Difficulty,
}

/// The reason why a text is not a puzzle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeError {
    /// The text has fewer than seven fields.
    TooFewFields,
    /// The version is not 1.
    Version,
    /// The difficulty is not a number, or is more than the 160 bits of SHA-1.
    Bits,
    /// The date is not one that exists, in 12 or 14 digits.
    Date,
    /// The text is so long that its stamp would not fit into one line.
    TooLong,
}

impl Challenge {
    /// Parses the payload of a puzzle message. The length of the date determines the dialect.
    ///
    /// # Errors
    /// [`ChallengeError`] for the first wrong field.
    pub fn parse(text: &[u8]) -> Result<Self, ChallengeError> {
        if text.iter().filter(|&&byte| byte == b':').count() < MIN_COLONS {
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
        let date = fields.next().unwrap_or_default();
        // The length alone would accept any bytes, which a client sends back and shows.
        let dialect = Utc::parse(date).and_then(|_| Dialect::of_date(date));
        let dialect = dialect.ok_or(ChallengeError::Date)?;
        let bits = units * u32::from(dialect.bits_per_unit());
        let difficulty = Difficulty::from_bits(bits).ok_or(ChallengeError::Bits)?;
        let last_colon = text.iter().rposition(|&byte| byte == b':');
        let prefix = text[..last_colon.map_or(0, |colon| colon + 1)].to_vec();
        if prefix.len() > MAX_PREFIX_LEN {
            return Err(ChallengeError::TooLong);
        }
        Ok(Self {
            prefix,
            dialect,
            difficulty,
        })
    }

    /// Returns the difficulty of the puzzle.
    pub fn difficulty(&self) -> Difficulty {
        self.difficulty
    }

    /// Returns the dialect of the puzzle.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the text before the counter, including the colon.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Returns the stamp of this puzzle with `counter`, whether it is a solution or not.
    pub fn stamp(&self, counter: u64) -> Vec<u8> {
        let mut stamp = self.prefix.clone();
        stamp.extend_from_slice(STANDARD.encode(counter.to_string()).as_bytes());
        stamp
    }

    /// Returns whether `counter` solves the puzzle, by one hash of the whole stamp. This is the
    /// oracle for the kernels, which hash only the last block.
    pub fn is_solved_by(&self, counter: u64) -> bool {
        self.difficulty.is_met_by(&self.stamp(counter))
    }
}

/// Writes the puzzle as it was received, but with a counter of zero.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.prefix))?;
        f.write_str(&String::from_utf8_lossy(ZERO_COUNTER))
    }
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFewFields => "it has fewer than seven fields",
            Self::Version => "its version is not 1",
            Self::Bits => "its difficulty is not a number from 0 to 160 bits",
            Self::Date => "its date is not a date in 12 or 14 digits",
            Self::TooLong => "its stamp would not fit into one line",
        })
    }
}

impl std::error::Error for ChallengeError {}

/// Parses a decimal number of one to three digits. The limit prevents an overflow.
fn small_number(field: &[u8]) -> Option<u32> {
    if field.is_empty() || field.len() > 3 {
        return None;
    }
    let mut number = 0;
    for byte in field {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u32::from(byte - b'0');
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_date_determines_the_dialect() {
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
    fn each_wrong_field_has_its_error() {
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
            ("1:20:26112210540x:a::b:MA==", ChallengeError::Date),
            ("1:20:261322105400:a::b:MA==", ChallengeError::Date),
            ("1:5:20260229105400:a::b:MA==", ChallengeError::Date),
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
