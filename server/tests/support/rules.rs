//! Rules for sessions under test, with round numbers and a difficulty that takes no time to solve.

use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty, Terms};
pub(crate) use powtcp_server::protocol::Rules;

/// Returns the rules: 8 bits, 60 s for a puzzle, 10 s for the handshake, 8 puzzles.
pub(crate) fn rules(dialect: Dialect) -> Rules {
    Rules {
        terms: Terms {
            dialect,
            difficulty: Difficulty::from_bits(8).expect("8 of 160 bits"),
        },
        ttl: Duration::from_secs(60),
        handshake_timeout: Duration::from_secs(10),
        max_puzzles: 8,
    }
}
