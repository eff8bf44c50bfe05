//! Hashcash: proof of work by partial SHA-1 preimages (Adam Back, "Hashcash - A Denial of Service
//! Counter-Measure", 2002). The layout is that of version 1 stamps:
//!
//! ```text
//! VERSION:BITS:DATE:RESOURCE:EXT:RAND:COUNTER
//! ```
//!
//! A server makes a [`Puzzle`]. A client reads it as a [`Challenge`], searches for a counter with
//! [`solve`], and sends the stamp. The server reads this text as a [`Stamp`]. See "Stamps" in
//! `common/README.md` for each field.

mod challenge;
mod kernel;
mod layout;
mod puzzle;
mod solver;
mod stamp;

pub use challenge::{Challenge, ChallengeError};
pub use kernel::Kernel;
pub use puzzle::{Puzzle, RAND_LEN, Terms};
pub use solver::{Watch, solve};
pub use stamp::{NotAStamp, Stamp};

use sha1::{Digest, Sha1};

/// The first field of every stamp: the version of the layout.
const VERSION: &[u8; 1] = b"1";

/// The counter in a puzzle: base64 of `0`.
const ZERO_COUNTER: &[u8; 4] = b"MA==";

/// One of the two forms in which the fields of a stamp are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The form that the stock `hashcash` program checks: difficulty in bits, a date of 12 digits,
    /// and a resource without colons.
    Hashcash,
    /// The form of the original powtcp program: difficulty in hex digits, a date of 14 digits, and
    /// a resource that may contain colons.
    Powtcp,
}

impl Dialect {
    /// Returns the dialect of a stamp by its DATE, or `None` if its length belongs to neither.
    fn of_date(date: &[u8]) -> Option<Self> {
        match date.len() {
            12 => Some(Self::Hashcash),
            14 => Some(Self::Powtcp),
            _ => None,
        }
    }

    /// Returns how many bits of difficulty one unit of the field BITS stands for.
    pub fn bits_per_unit(self) -> u8 {
        match self {
            Self::Hashcash => 1,
            Self::Powtcp => 4,
        }
    }
}

/// The number of leading zero bits that the SHA-1 of a stamp must have: 0 to 160.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difficulty(u8);

impl Difficulty {
    /// The length of a SHA-1 hash.
    const MAX_BITS: u32 = 160;

    /// Returns the difficulty of `bits` leading zero bits, or `None` if a SHA-1 hash has fewer
    /// bits.
    pub fn from_bits(bits: u32) -> Option<Self> {
        (bits <= Self::MAX_BITS).then_some(Self(bits as u8))
    }

    /// Returns the number of leading zero bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Returns how many hashes a search takes on average: 2^bits.
    pub fn expected_hashes(self) -> f64 {
        f64::from(self.0).exp2()
    }

    /// Returns whether the SHA-1 of `stamp`, the whole text, has enough leading zeros. Takes one
    /// hash.
    pub fn is_met_by(self, stamp: &[u8]) -> bool {
        leading_zero_bits(&Sha1::digest(stamp)) >= u32::from(self.0)
    }
}

fn leading_zero_bits(hash: &[u8]) -> u32 {
    let mut bits = 0;
    for byte in hash {
        bits += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_counted_at_every_bit() {
        assert_eq!(leading_zero_bits(&[0; 20]), 160);
        for bit in 0..160 {
            let mut hash = [0; 20];
            hash[bit / 8] = 0x80 >> (bit % 8);
            assert_eq!(leading_zero_bits(&hash), bit as u32);
            hash[19] |= 1;
            assert_eq!(leading_zero_bits(&hash), bit as u32);
        }
    }

    /// The stamp is the example in the manual page of the stock hashcash program.
    #[test]
    fn a_known_stamp_meets_its_difficulty_and_a_changed_one_does_not() {
        let stamp = b"1:20:040806:foo::65f460d0726f420d:13a6b8";
        let good = Difficulty::from_bits(20).unwrap();
        assert!(good.is_met_by(stamp));
        for bit in 0..stamp.len() * 8 {
            let mut changed = *stamp;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!good.is_met_by(&changed), "bit {bit}");
        }
    }

    #[test]
    fn a_difficulty_has_at_most_the_bits_of_sha1() {
        assert_eq!(Difficulty::from_bits(160).map(Difficulty::bits), Some(160));
        assert_eq!(Difficulty::from_bits(161), None);
        assert_eq!(
            Difficulty::from_bits(20).map(Difficulty::expected_hashes),
            Some(1_048_576.0)
        );
    }
}
