//! What a puzzle costs, as an operator writes it.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_options::{Options, UsageError, whole_number};

use crate::admission::{PRICING_KEY_LEN, Pricing};

/// The clients served a second above which the price may rise, at most.
const MOST_CLIENTS: u32 = 1_000_000;

/// The validated options about the price of puzzles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceConfig {
    /// The least and the greatest difficulty.
    pub range: RangeInclusive<Difficulty>,
    /// Clients served a second above which the difficulty rises.
    pub target_rate: u32,
}

impl PriceConfig {
    /// Reads `--bits` and `--target-rate`.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub(super) fn new(options: &Options, dialect: Dialect) -> Result<Self, UsageError> {
        let expected = match dialect {
            Dialect::Hashcash => {
                "N or N..M, such as 20 or 18..26: whole numbers from 1 to 64, N at most M"
            }
            Dialect::Powtcp => {
                "N or N..M, such as 20 or 16..24: multiples of 4 from 4 to 64, N at most M, for --dialect powtcp"
            }
        };
        Ok(Self {
            range: options.required("--bits", expected, |text| range(text, dialect))?,
            target_rate: options.number("--target-rate", 1..=MOST_CLIENTS)?,
        })
    }

    /// Returns whether the price never changes.
    pub fn is_fixed(&self) -> bool {
        self.range.start() == self.range.end()
    }

    /// Creates the pricing. A price that changes counts sources under a key that is drawn here.
    ///
    /// # Errors
    /// The operating system supplies no random bytes.
    pub fn pricing(self, dialect: Dialect) -> io::Result<Pricing> {
        let mut key = [0; PRICING_KEY_LEN];
        if !self.is_fixed() {
            getrandom::fill(&mut key).map_err(io::Error::other)?;
        }
        Ok(Pricing::new(self.range, self.target_rate, dialect, key))
    }
}

/// Writes the range as an operator does.
impl fmt::Display for PriceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, greatest) = (self.range.start().bits(), self.range.end().bits());
        if self.is_fixed() {
            write!(f, "{least}")
        } else {
            write!(f, "{least}..{greatest}")
        }
    }
}

fn range(text: &str, dialect: Dialect) -> Option<RangeInclusive<Difficulty>> {
    let (least, greatest) = text.split_once("..").unwrap_or((text, text));
    let unit = u32::from(dialect.bits_per_unit());
    let difficulty = |text| {
        let bits = whole_number(text, 1..=64).filter(|bits: &u32| bits.is_multiple_of(unit))?;
        Difficulty::from_bits(bits)
    };
    let range = difficulty(least)?..=difficulty(greatest)?;
    (!range.is_empty()).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str, dialect: Dialect) -> Option<[u8; 2]> {
        let range = range(text, dialect)?;
        Some([range.start(), range.end()].map(|difficulty| difficulty.bits()))
    }

    #[test]
    fn a_number_is_a_fixed_price_and_a_range_one_that_rises() {
        assert_eq!(bits("20", Dialect::Hashcash), Some([20, 20]));
        assert_eq!(bits("18..26", Dialect::Hashcash), Some([18, 26]));
        assert_eq!(bits("1..64", Dialect::Hashcash), Some([1, 64]));
        assert_eq!(bits("20..20", Dialect::Hashcash), Some([20, 20]));
        assert_eq!(bits("16..24", Dialect::Powtcp), Some([16, 24]));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "..",
            "18..",
            "..26",
            "26..18",
            "0..20",
            "18..65",
            "18...26",
            "18..26..30",
            "18-26",
            "18..=26",
            " 18..26",
            "18 .. 26",
            "+18..26",
            "a..b",
        ] {
            assert_eq!(bits(text, Dialect::Hashcash), None, "{text:?}");
        }
        for text in ["18", "16..22", "18..24"] {
            assert_eq!(bits(text, Dialect::Powtcp), None, "{text:?}");
        }
    }
}
