//! A puzzle as a server makes it: the values from which its text is computed.

use std::fmt::{self, Write};

use super::prefix::Prefix;
use super::{Dialect, Difficulty, Stamp, ZERO_COUNTER};
use crate::address::ClientAddr;

/// The length of RAND in bytes. 96 bits make each puzzle unique, and unpredictable for a client
/// that wants to solve it in advance.
pub const RAND_LEN: usize = 12;

/// The properties that all puzzles of a server have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The form in which the puzzle is written.
    pub dialect: Dialect,
    /// The difficulty. The powtcp dialect rounds it down to a multiple of 4 bits.
    pub difficulty: Difficulty,
}

/// A puzzle for one client.
///
/// It does not store its text, because writing the text takes less time than one hash, and the text
/// would take a multiple of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Puzzle {
    /// Dialect and difficulty.
    pub terms: Terms,
    /// The client that asked for the puzzle. RESOURCE contains its address, so that a stamp cannot
    /// serve another client.
    pub client: ClientAddr,
    /// The time of issue as a Unix time in seconds.
    pub issued: u64,
    /// The bytes that make the puzzle unique.
    pub rand: [u8; RAND_LEN],
}

impl Puzzle {
    /// Returns whether `stamp` differs from this puzzle only in its counter.
    pub fn is_completed_by(&self, stamp: &Stamp<'_>) -> bool {
        Prefix::new(self).as_bytes() == stamp.prefix()
    }

    /// Appends the text of the puzzle to `out`, with a counter of zero.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(Prefix::new(self).as_bytes());
        out.extend_from_slice(ZERO_COUNTER.as_bytes());
    }
}

impl fmt::Display for Puzzle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in Prefix::new(self).as_bytes() {
            f.write_char(char::from(byte))?;
        }
        f.write_str(ZERO_COUNTER)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::hashcash::Challenge;

    pub(in crate::hashcash) fn puzzle(dialect: Dialect, bits: u32, client: &str) -> Puzzle {
        let client: std::net::SocketAddr = client.parse().unwrap();
        Puzzle {
            terms: Terms {
                dialect,
                difficulty: Difficulty::from_bits(bits).unwrap(),
            },
            client: client.into(),
            issued: 1_795_344_840,
            rand: *b"abcdefghijkl",
        }
    }

    #[test]
    fn puzzles_are_written_as_the_protocol_specifies() {
        use Dialect::{Hashcash, Powtcp};
        let cases = [
            (Hashcash, 20, "127.0.0.1:52386", "1:20", "127.0.0.1/52386"),
            (Hashcash, 1, "[2001:db8::7]:5", "1:1", "2001-db8--7/5"),
            (Hashcash, 9, "[::ffff:1.2.3.4]:5", "1:9", "1.2.3.4/5"),
            (Powtcp, 20, "127.0.0.1:52386", "1:5", "127.0.0.1:52386"),
            (Powtcp, 64, "[2001:db8::7]:5", "1:16", "[2001:db8::7]:5"),
        ];
        for (dialect, bits, client, start, resource) in cases {
            let puzzle = puzzle(dialect, bits, client);
            let date = match dialect {
                Hashcash => "261122105400",
                Powtcp => "20261122105400",
            };
            let expected = format!("{start}:{date}:{resource}::YWJjZGVmZ2hpamts:MA==");
            assert_eq!(puzzle.to_string(), expected);
            let mut written = Vec::new();
            puzzle.write_to(&mut written);
            assert_eq!(written, expected.as_bytes());
            let challenge = Challenge::parse(&written).unwrap();
            assert_eq!(challenge.difficulty(), puzzle.terms.difficulty);
        }
    }

    #[test]
    fn a_stamp_with_another_changed_byte_is_not_a_solution_of_the_puzzle() {
        let puzzle = puzzle(Dialect::Hashcash, 20, "127.0.0.1:52386");
        let text = puzzle.to_string().replace("MA==", "MTIzNDU2");
        let completes = |text: &[u8]| puzzle.is_completed_by(&Stamp::parse(text).unwrap());
        assert!(completes(text.as_bytes()));
        for position in 2..text.rfind(':').unwrap() {
            let mut changed = text.clone().into_bytes();
            changed[position] = changed[position].wrapping_add(1);
            if changed[position] == b':' || text.as_bytes()[position] == b':' {
                continue;
            }
            assert!(!completes(&changed), "position {position}");
        }
        assert!(!completes(text.replace("::", ":::").as_bytes()));
    }
}
