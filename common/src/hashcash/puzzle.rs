//! A puzzle as a server writes it: the text of a stamp with a counter of zero, without heap memory.

use std::fmt::{self, Write};
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Dialect, Difficulty, VERSION, ZERO_COUNTER};
use crate::address::ClientAddr;
use crate::utc::Utc;

/// The length of RAND in bytes.
pub const RAND_LEN: usize = 12;

/// The length of RAND in base64.
pub(super) const RAND_TEXT_LEN: usize = RAND_LEN / 3 * 4;

/// The longest text is `1:160:`, 14 digits, `:[`, 39 characters of IPv6, `]:65535::`, 16 characters of
/// base64, `:` and the counter.
const CAPACITY: usize = 6 + 14 + 2 + 39 + 9 + 16 + 1 + ZERO_COUNTER.len();

/// How a puzzle is written, and what it takes to solve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The form in which the puzzle is written.
    pub dialect: Dialect,
    /// The difficulty. The powtcp dialect rounds it down to a multiple of 4 bits.
    pub difficulty: Difficulty,
}

/// The text of a puzzle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Puzzle(PuzzleText);

impl Puzzle {
    /// Writes the puzzle for `client` that was issued at the Unix time `issued`, in seconds. `sign` returns
    /// RAND for the text before it.
    pub fn new(
        terms: Terms,
        client: ClientAddr,
        issued: u64,
        sign: impl FnOnce(&[u8]) -> [u8; RAND_LEN],
    ) -> Self {
        let Terms {
            dialect,
            difficulty,
        } = terms;
        let date = Utc::from_unix(issued);
        let year = date.year as u32;

        let mut text = PuzzleText::new();
        text.push(*VERSION);
        text.push(*b":");
        text.push_number(u32::from(difficulty.bits() / dialect.bits_per_unit()));
        text.push(*b":");
        if dialect == Dialect::Powtcp {
            text.push(two_digits(year / 100));
        }
        text.push(two_digits(year));
        text.push(date.below_year());
        text.push(*b":");
        text.push_client(client, dialect);
        text.push(*b"::");
        let mut rand = [0; RAND_TEXT_LEN];
        // Never fails: 12 bytes are 16 characters.
        let _ = STANDARD.encode_slice(sign(text.as_bytes()), &mut rand);
        text.push(rand);
        text.push(*b":");
        text.push(*ZERO_COUNTER);
        Self(text)
    }

    /// Returns the text, which is ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Returns whether `resource` is what puzzles for `client` have in their field RESOURCE.
pub(super) fn is_resource_of(resource: &[u8], client: ClientAddr, dialect: Dialect) -> bool {
    let mut text = PuzzleText::new();
    text.push_client(client, dialect);
    text.as_bytes() == resource
}

impl fmt::Display for Puzzle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.as_bytes().iter();
        bytes.try_for_each(|&byte| f.write_char(char::from(byte)))
    }
}

impl fmt::Debug for Puzzle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text under construction, on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PuzzleText {
    bytes: [u8; CAPACITY],
    len: u8,
}

impl PuzzleText {
    fn new() -> Self {
        Self {
            bytes: [0; CAPACITY],
            len: 0,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Appends `bytes`. Their length is known at compile time, so that the copy takes a few moves and no
    /// call. [`CAPACITY`] has room for every piece.
    fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        let start = usize::from(self.len);
        if let Some(space) = self.bytes.get_mut(start..start + N) {
            space.copy_from_slice(&bytes);
            self.len += N as u8;
        }
    }

    fn push_number(&mut self, number: u32) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push([b'0' + (number % 10) as u8]);
    }

    /// Appends `IP/PORT`, with `-` instead of each `:` of an IPv6 address, because the stock program
    /// rejects a resource with a colon. In the powtcp dialect appends `IP:PORT` or `[IPv6]:PORT`.
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
                let start = usize::from(self.len);
                // `write_str` below never fails.
                let _ = match dialect {
                    Dialect::Hashcash => write!(self, "{ip}"),
                    Dialect::Powtcp => write!(self, "[{ip}]"),
                };
                if dialect == Dialect::Hashcash {
                    for byte in &mut self.bytes[start..] {
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

impl Write for PuzzleText {
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
    use crate::hashcash::{Challenge, Stamp};

    fn terms(dialect: Dialect, bits: u32) -> Terms {
        Terms {
            dialect,
            difficulty: Difficulty::from_bits(bits).unwrap(),
        }
    }

    fn client(address: &str) -> ClientAddr {
        address.parse::<std::net::SocketAddr>().unwrap().into()
    }

    fn puzzle(dialect: Dialect, bits: u32, address: &str) -> Puzzle {
        let terms = terms(dialect, bits);
        Puzzle::new(terms, client(address), 1_795_344_840, |_| *b"abcdefghijkl")
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
        for (dialect, bits, address, start, resource) in cases {
            let puzzle = puzzle(dialect, bits, address);
            let date = match dialect {
                Hashcash => "261122105400",
                Powtcp => "20261122105400",
            };
            let expected = format!("{start}:{date}:{resource}::YWJjZGVmZ2hpamts:MA==");
            assert_eq!(puzzle.to_string(), expected);
            assert_eq!(puzzle.as_bytes(), expected.as_bytes());
            let challenge = Challenge::parse(puzzle.as_bytes()).unwrap();
            assert_eq!(u32::from(challenge.difficulty().bits()), bits);
        }
    }

    #[test]
    fn a_stamp_tells_what_its_puzzle_was_made_of() {
        for dialect in [Dialect::Hashcash, Dialect::Powtcp] {
            for address in ["127.0.0.1:52386", "[2001:db8::7]:5"] {
                let puzzle = puzzle(dialect, 20, address);
                let stamp = Stamp::parse(puzzle.as_bytes()).unwrap();
                assert_eq!(stamp.terms(), Some(terms(dialect, 20)));
                assert_eq!(stamp.issued(), Some(1_795_344_840));
                assert_eq!(stamp.rand(), Some(*b"abcdefghijkl"));
                assert!(stamp.names(client(address)));
                for other in ["127.0.0.1:52387", "127.0.0.2:52386", "[2001:db8::8]:5"] {
                    assert!(!stamp.names(client(other)));
                }
            }
        }
    }

    #[test]
    fn the_signed_text_ends_before_rand() {
        let mut signed = Vec::new();
        let terms = terms(Dialect::Hashcash, 20);
        let puzzle = Puzzle::new(terms, client("127.0.0.1:1"), 0, |head| {
            signed = head.to_vec();
            [0; RAND_LEN]
        });
        assert_eq!(signed, b"1:20:700101000000:127.0.0.1/1::");
        assert_eq!(Stamp::parse(puzzle.as_bytes()).unwrap().head(), signed);
    }

    #[test]
    fn the_longest_puzzle_fits() {
        let address = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535";
        for dialect in [Dialect::Hashcash, Dialect::Powtcp] {
            let text = puzzle(dialect, 160, address).to_string();
            assert!(text.ends_with("65535::YWJjZGVmZ2hpamts:MA=="), "{text}");
        }
    }
}
