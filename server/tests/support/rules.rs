//! Rules for sessions under test, with round numbers and a price that takes no time to pay.

use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_server::admission::Pricing;
use powtcp_server::protocol::Mint;
pub(crate) use powtcp_server::protocol::Rules;

/// The secret of every server under test.
pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The wall clock at the start of every server under test: 2026-11-22T10:54:00.5Z.
pub(crate) const START: Duration = Duration::from_millis(1_795_344_840_500);

/// Returns the mint of a server that has just started.
pub(crate) fn mint() -> Mint {
    Mint::new(SECRET, START)
}

/// Returns a price of so many bits, whatever the load. Servers under test have one of 8 bits.
pub(crate) fn fixed(bits: u32) -> Pricing {
    Pricing::Fixed(Difficulty::from_bits(bits).expect("no more bits than SHA-1 has"))
}

/// Returns the rules: 60 s for a puzzle, 10 s for the handshake, 8 puzzles.
pub(crate) fn rules(dialect: Dialect) -> Rules {
    Rules {
        dialect,
        ttl: Duration::from_secs(60),
        handshake_timeout: Duration::from_secs(10),
        max_puzzles: 8,
    }
}
