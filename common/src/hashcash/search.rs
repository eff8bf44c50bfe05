//! The search of one thread: all that counters have in common is hashed once, and each counter
//! costs the compression of the last block or two.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::block_api::compress;

use super::challenge::MAX_COUNTER_LEN;
use super::{Challenge, Difficulty};

const BLOCK_LEN: usize = 64;
/// SHA-1's padding after the message: one byte `0x80`, and the length in bits in eight bytes.
const PADDING_LEN: usize = 1 + 8;
/// SHA-1's initial state (FIPS 180-4, 5.3.1).
const INITIAL_STATE: [u32; 5] = [
    0x6745_2301,
    0xefcd_ab89,
    0x98ba_dcfe,
    0x1032_5476,
    0xc3d2_e1f0,
];

/// A challenge, prepared to be tried with many counters.
#[derive(Clone)]
pub(super) struct Search {
    difficulty: Difficulty,
    /// SHA-1's state after the whole blocks of the prefix.
    midstate: [u32; 5],
    /// The rest of the prefix, then counter and padding: the last block, or the last two.
    tail: [[u8; BLOCK_LEN]; 2],
    /// Where the counter begins in `tail`.
    counter_at: usize,
    prefix_len: usize,
}

impl Search {
    pub(super) fn new(challenge: &Challenge) -> Self {
        let (blocks, rest) = challenge.prefix().as_chunks::<BLOCK_LEN>();
        let mut midstate = INITIAL_STATE;
        compress(&mut midstate, blocks);
        let mut tail = [[0; BLOCK_LEN]; 2];
        tail[0][..rest.len()].copy_from_slice(rest);
        Self {
            difficulty: challenge.difficulty(),
            midstate,
            tail,
            counter_at: rest.len(),
            prefix_len: challenge.prefix().len(),
        }
    }

    /// The lowest counter of `range` that is a solution.
    pub(super) fn find(&mut self, range: Range<u64>) -> Option<u64> {
        let mut decimal = Decimal::from(range.start);
        for counter in range {
            if self.zero_bits(decimal.digits()) >= u32::from(self.difficulty.bits()) {
                return Some(counter);
            }
            decimal.increment();
        }
        None
    }

    /// How many zero bits the hash begins with when the counter has these decimal digits.
    fn zero_bits(&mut self, digits: &[u8]) -> u32 {
        let mut counter = [0; MAX_COUNTER_LEN];
        let Ok(counter_len) = STANDARD.encode_slice(digits, &mut counter) else {
            return 0;
        };
        let end = self.counter_at + counter_len;
        let blocks = (end + PADDING_LEN).div_ceil(BLOCK_LEN);
        let bit_len = 8 * (self.prefix_len + counter_len) as u64;

        let tail = &mut self.tail.as_flattened_mut()[..blocks * BLOCK_LEN];
        tail[self.counter_at..end].copy_from_slice(&counter[..counter_len]);
        tail[end..].fill(0);
        tail[end] = 0x80;
        tail[blocks * BLOCK_LEN - 8..].copy_from_slice(&bit_len.to_be_bytes());

        let mut state = self.midstate;
        compress(&mut state, &self.tail[..blocks]);
        leading_zero_bits(state)
    }
}

/// The digits of a number that counts up. Numbers stay below 10^20, as those of 64 bits do.
struct Decimal {
    digits: [u8; Self::WIDTH],
    /// Where the number begins in `digits`, which it fills to the end.
    start: usize,
}

impl Decimal {
    const WIDTH: usize = 20;

    fn digits(&self) -> &[u8] {
        &self.digits[self.start..]
    }

    fn increment(&mut self) {
        let mut place = Self::WIDTH - 1;
        while self.digits[place] == b'9' {
            self.digits[place] = b'0';
            place -= 1;
        }
        self.digits[place] += 1;
        self.start = self.start.min(place);
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        let mut digits = [b'0'; Self::WIDTH];
        let text = number.to_string();
        let start = Self::WIDTH - text.len();
        digits[start..].copy_from_slice(text.as_bytes());
        Self { digits, start }
    }
}

fn leading_zero_bits(state: [u32; 5]) -> u32 {
    let mut bits = 0;
    for word in state {
        bits += word.leading_zeros();
        if word != 0 {
            break;
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A challenge with a prefix of `len` bytes, 31 at least.
    fn challenge(len: usize, bits: u32) -> Challenge {
        let start = format!("1:{bits}:261122105400:");
        let end = "::YWJj:";
        let resource = "r".repeat(len - start.len() - end.len());
        Challenge::parse(format!("{start}{resource}{end}MA==").as_bytes()).unwrap()
    }

    /// A challenge whose prefix is shorter than any that parses: for the padding only.
    fn short_challenge(len: usize, bits: u32) -> Challenge {
        let start = format!("1:{bits}:");
        let date = "2".repeat(12);
        let rest = ":".repeat(len - start.len() - date.len());
        Challenge::parse(format!("{start}{date}{rest}MA==").as_bytes()).unwrap()
    }

    #[test]
    fn every_prefix_length_finds_what_the_oracle_finds() {
        for len in 20..=200 {
            for bits in [1, 4, 9] {
                let make = if len < 31 { short_challenge } else { challenge };
                let challenge = make(len, bits);
                assert_eq!(challenge.prefix().len(), len);
                let mut search = Search::new(&challenge);
                for counter in (0..600)
                    .chain(99_990..100_010)
                    .chain(u64::MAX / 2 - 9..u64::MAX / 2)
                {
                    let found = search.find(counter..counter + 1).is_some();
                    assert_eq!(
                        found,
                        challenge.is_solved_by(counter),
                        "{len} {bits} {counter}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_lowest_counter_of_a_range_is_found() {
        let challenge = challenge(52, 10);
        let lowest = (0..)
            .find(|&counter| challenge.is_solved_by(counter))
            .unwrap();
        let mut search = Search::new(&challenge);
        assert_eq!(search.find(0..1 << 20), Some(lowest));
        assert_eq!(search.find(0..lowest), None);
        assert_ne!(search.find(lowest + 1..1 << 20), Some(lowest));
    }

    #[test]
    fn digits_count_up_as_numbers_do() {
        for start in [0, 95, 999_990, u64::MAX - 5] {
            let mut decimal = Decimal::from(start);
            for number in start..=start.saturating_add(20) {
                assert_eq!(decimal.digits(), number.to_string().as_bytes());
                if number < u64::MAX {
                    decimal.increment();
                }
            }
        }
    }
}
