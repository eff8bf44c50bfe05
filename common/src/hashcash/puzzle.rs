//! A puzzle as a server makes it: the values from which its text is computed.

use std::fmt::{self, Write};
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Dialect, Difficulty, Stamp, VERSION, ZERO_COUNTER};
use crate::address::ClientAddr;
use crate::utc::Utc;

/// The length of RAND in bytes. 96 bits make each puzzle unique, and unpredictable for a client
/// that wants to solve it in advance.
pub const RAND_LEN: usize = 12;

/// The length of RAND in base64.
const RAND_TEXT_LEN: usize = RAND_LEN / 3 * 4;

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
        self.prefix().as_bytes() == stamp.prefix()
    }

    /// Appends the text of the puzzle to `out`, with a counter of zero.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix().as_bytes());
        out.extend_from_slice(ZERO_COUNTER.as_bytes());
    }

    fn prefix(&self) -> Prefix {
        let Terms {
            dialect,
            difficulty,
        } = self.terms;
        let date = Utc::from_unix(self.issued);
        let year = date.year as u32;
        let mut rand = [0; RAND_TEXT_LEN];
        // Never fails: 12 bytes are 16 characters.
        let _ = STANDARD.encode_slice(self.rand, &mut rand);

        let mut prefix = Prefix::default();
        prefix.push(*VERSION);
        prefix.push(*b":");
        prefix.push_number(u32::from(difficulty.bits() / dialect.bits_per_unit()));
        prefix.push(*b":");
        if dialect == Dialect::Powtcp {
            prefix.push(two_digits(year / 100));
        }
        prefix.push(two_digits(year));
        prefix.push(date.below_year());
        prefix.push(*b":");
        prefix.push_client(self.client, dialect);
        prefix.push(*b"::");
        prefix.push(rand);
        prefix.push(*b":");
        prefix
    }
}

impl fmt::Display for Puzzle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.prefix().as_bytes() {
            f.write_char(char::from(byte))?;
        }
        f.write_str(ZERO_COUNTER)
    }
}

/// The text of a puzzle before its counter, on the stack.
struct Prefix {
    text: [u8; Self::CAPACITY],
    len: usize,
}

impl Prefix {
    /// The longest text is `1:160:`, 14 digits, `:[`, 39 characters of IPv6, `]:65535::`, 16
    /// characters of base64, and `:`.
    const CAPACITY: usize = 6 + 14 + 2 + 39 + 9 + 16 + 1;

    fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }

    /// Appends `bytes`. Their length is known at compile time, so that the copy takes a few moves
    /// and no call. [`Self::CAPACITY`] has room for every piece.
    fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        let end = self.len + N;
        if let Some(space) = self.text.get_mut(self.len..end) {
            space.copy_from_slice(&bytes);
            self.len = end;
        }
    }

    fn push_number(&mut self, number: u32) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push([b'0' + (number % 10) as u8]);
    }

    /// Appends `IP/PORT`, with `-` instead of each `:` of an IPv6 address, because the stock
    /// program rejects a resource with a colon. In the powtcp dialect appends `IP:PORT` or
    /// `[IPv6]:PORT`.
    fn push_client(&mut self, client: ClientAddr, dialect: Dialect) {
        match client.ip() {
            IpAddr::V4(ip) => {
                let [first, rest @ ..] = ip.octets();
                self.push_number(u32::from(first));
                for octet in rest {
                    self.push(*b".");
                    self.push_number(u32::from(octet));
                }
            }
            IpAddr::V6(ip) => {
                let start = self.len;
                // `write_str` below never fails.
                let _ = match dialect {
                    Dialect::Hashcash => write!(self, "{ip}"),
                    Dialect::Powtcp => write!(self, "[{ip}]"),
                };
                if dialect == Dialect::Hashcash {
                    for byte in &mut self.text[start..self.len] {
                        if *byte == b':' {
                            *byte = b'-';
                        }
                    }
                }
            }
        }
        self.push(match dialect {
            Dialect::Hashcash => *b"/",
            Dialect::Powtcp => *b":",
        });
        self.push_number(u32::from(client.port()));
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self {
            text: [0; Self::CAPACITY],
            len: 0,
        }
    }
}

impl Write for Prefix {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.push([byte]);
        }
        Ok(())
    }
}

/// Returns the last two decimal digits of `number`.
fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashcash::Challenge;

    fn puzzle(dialect: Dialect, bits: u32, client: &str) -> Puzzle {
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
            (
                Hashcash,
                20,
                "127.0.0.1:52386",
                "1:20:261122105400:127.0.0.1/52386::",
            ),
            (
                Hashcash,
                1,
                "[2001:db8::7]:52386",
                "1:1:261122105400:2001-db8--7/52386::",
            ),
            (
                Hashcash,
                9,
                "[::ffff:1.2.3.4]:5",
                "1:9:261122105400:1.2.3.4/5::",
            ),
            (
                Powtcp,
                20,
                "127.0.0.1:52386",
                "1:5:20261122105400:127.0.0.1:52386::",
            ),
            (
                Powtcp,
                64,
                "[2001:db8::7]:52386",
                "1:16:20261122105400:[2001:db8::7]:52386::",
            ),
        ];
        for (dialect, bits, client, start) in cases {
            let puzzle = puzzle(dialect, bits, client);
            let expected = format!("{start}YWJjZGVmZ2hpamts:MA==");
            assert_eq!(puzzle.to_string(), expected);
            let mut written = Vec::new();
            puzzle.write_to(&mut written);
            assert_eq!(written, expected.as_bytes());
            let challenge = Challenge::parse(&written).unwrap();
            assert_eq!(challenge.difficulty(), puzzle.terms.difficulty);
        }
    }

    #[test]
    fn the_longest_puzzle_fits_into_a_prefix() {
        let client = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535";
        for dialect in [Dialect::Hashcash, Dialect::Powtcp] {
            let text = puzzle(dialect, 160, client).to_string();
            assert!(text.ends_with("::YWJjZGVmZ2hpamts:MA=="), "{text}");
        }
        assert_eq!(
            puzzle(Dialect::Hashcash, 160, client).prefix().len,
            Prefix::CAPACITY - 4
        );
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
