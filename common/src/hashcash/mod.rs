//! Hashcash: proof of work by partial SHA-1 preimages, after Adam Back, "Hashcash - A Denial of
//! Service Counter-Measure" (2002), in the layout of its version 1 stamps:
//!
//! ```text
//! VERSION:BITS:DATE:RESOURCE:EXT:RAND:COUNTER
//! ```
//!
//! A server makes a [`Puzzle`]; a client reads it as a [`Challenge`], looks for a counter with
//! [`solve`], and sends the stamp; the server reads that as a [`Stamp`].

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

/// The version that every stamp begins with.
const VERSION: &[u8; 1] = b"1";

/// The counter of a stamp that nobody has searched for yet: base64 of `0`.
const ZERO_COUNTER: &str = "MA==";

/// How a stamp is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// What the stock `hashcash` program checks: difficulty in bits, a date of 12 digits, a
    /// resource without colons.
    Hashcash,
    /// That of the original powtcp program: difficulty in hex digits, a date of 14 digits.
    Powtcp,
}

impl Dialect {
    /// Bits of difficulty for each unit that BITS counts in.
    pub const fn bits_per_unit(self) -> u8 {
        match self {
            Self::Hashcash => 1,
            Self::Powtcp => 4,
        }
    }
}

/// How many leading zero bits the SHA-1 of a stamp must have: 0 to 160.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difficulty(u8);

impl Difficulty {
    /// As many bits as SHA-1 has.
    const MAX_BITS: u32 = 160;

    /// `bits` leading zero bits; `None` beyond what SHA-1 has.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits <= Self::MAX_BITS {
            Some(Self(bits as u8))
        } else {
            None
        }
    }

    /// The number of leading zero bits required.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// How many hashes it takes on average to find one that is good: 2^bits.
    pub fn expected_hashes(self) -> f64 {
        f64::from(self.0).exp2()
    }

    /// Whether the SHA-1 of `stamp`, the whole text, has enough leading zeros.
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

    /// The stamp is the example of the stock hashcash program's manual page.
    #[test]
    fn a_known_stamp_is_worth_its_bits_and_a_changed_one_nothing() {
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
    fn difficulty_ends_where_sha1_ends() {
        assert_eq!(Difficulty::from_bits(160).map(Difficulty::bits), Some(160));
        assert_eq!(Difficulty::from_bits(161), None);
        assert_eq!(
            Difficulty::from_bits(20).map(Difficulty::expected_hashes),
            Some(1_048_576.0)
        );
    }
}
