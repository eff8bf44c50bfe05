//! The text of a puzzle before its counter, written without heap memory: a server writes it for
//! each puzzle and for each stamp that it checks.

use std::fmt::{self, Write};
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::puzzle::{Puzzle, RAND_LEN, Terms};
use super::{Dialect, VERSION};
use crate::address::ClientAddr;
use crate::utc::Utc;

/// The length of RAND in base64.
const RAND_TEXT_LEN: usize = RAND_LEN / 3 * 4;

/// The text of a puzzle before its counter, on the stack.
pub(super) struct Prefix {
    text: [u8; Self::CAPACITY],
    len: usize,
}

impl Prefix {
    /// The longest text is `1:160:`, 14 digits, `:[`, 39 characters of IPv6, `]:65535::`, 16
    /// characters of base64, and `:`.
    const CAPACITY: usize = 6 + 14 + 2 + 39 + 9 + 16 + 1;

    /// Writes the fields of `puzzle` from VERSION to RAND, each with the colon after it.
    pub(super) fn new(puzzle: &Puzzle) -> Self {
        let Terms {
            dialect,
            difficulty,
        } = puzzle.terms;
        let date = Utc::from_unix(puzzle.issued);
        let year = date.year as u32;
        let mut rand = [0; RAND_TEXT_LEN];
        // Never fails: 12 bytes are 16 characters.
        let _ = STANDARD.encode_slice(puzzle.rand, &mut rand);

        let mut prefix = Self {
            text: [0; Self::CAPACITY],
            len: 0,
        };
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
        prefix.push_client(puzzle.client, dialect);
        prefix.push(*b"::");
        prefix.push(rand);
        prefix.push(*b":");
        prefix
    }

    /// Returns the text, which is ASCII.
    pub(super) fn as_bytes(&self) -> &[u8] {
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
    use crate::hashcash::puzzle::tests::puzzle;

    #[test]
    fn the_longest_puzzle_fits_into_a_prefix() {
        let client = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535";
        let text = |dialect| Prefix::new(&puzzle(dialect, 160, client));
        assert!(
            text(Dialect::Hashcash)
                .as_bytes()
                .ends_with(b"/65535::YWJjZGVmZ2hpamts:")
        );
        // In the powtcp dialect, 160 bits are two digits: `40`.
        let longest = text(Dialect::Powtcp);
        assert!(longest.as_bytes().ends_with(b"]:65535::YWJjZGVmZ2hpamts:"));
        assert_eq!(longest.len, Prefix::CAPACITY - 1);
    }
}
