//! The table of attacks.

use std::time::Duration;

use super::{Attack, Manner};
use crate::config::SOURCES;

/// The default of the server's `--max-puzzles`.
const ALLOWED_PUZZLES: usize = 8;
/// More than a line may have, and no more than an empty socket takes at once.
const ENDLESS_LINE: [u8; 4096] = [b'x'; 4096];
const REQUEST: &[u8] = b"1:\n";
const ALLOWED_REQUESTS: [u8; ALLOWED_PUZZLES * REQUEST.len()] = repeat(REQUEST);
const MANY_REQUESTS: [u8; 1000 * REQUEST.len()] = repeat(REQUEST);

/// Sends nothing and listens. The other attacks say how they differ.
const SILENT: Attack = Attack {
    name: "silent",
    holds: true,
    first: b"",
    each_second: b"",
    manner: Manner::Listens,
    rate: 2000,
    sources: SOURCES,
    server_options: &[],
    distances: &[Duration::ZERO],
};

/// A table that 500 connections a second turn over in two seconds. A larger one would need a faster
/// attack, and the load test would take the processors from the server.
const SMALL_TABLE: &[&str] = &["--max-connections", "1000"];

/// All attacks, in the order of the table.
pub(crate) static ATTACKS: [Attack; 11] = [
    SILENT,
    Attack {
        name: "asked",
        first: REQUEST,
        ..SILENT
    },
    // A payload may have any bytes, so this remains the start of a request.
    Attack {
        name: "slowloris",
        first: b"1:",
        each_second: b"1",
        ..SILENT
    },
    Attack {
        name: "hoard",
        first: &ALLOWED_REQUESTS,
        ..SILENT
    },
    Attack {
        name: "garbage",
        holds: false,
        first: b"\x16\x03\x01\x02\0\xff 7: \x1b[2J msg=\"puzzle sent\" client=127.0.0.1:1\n",
        ..SILENT
    },
    Attack {
        name: "wrong-stamp",
        holds: false,
        first: REQUEST,
        manner: Manner::ReturnsPuzzles,
        ..SILENT
    },
    Attack {
        name: "never-read",
        first: &MANY_REQUESTS,
        each_second: &MANY_REQUESTS,
        manner: Manner::NeverReads,
        ..SILENT
    },
    Attack {
        name: "churn",
        holds: false,
        manner: Manner::Resets,
        ..SILENT
    },
    Attack {
        name: "endless-line",
        first: &ENDLESS_LINE,
        each_second: &ENDLESS_LINE,
        manner: Manner::NeverReads,
        ..SILENT
    },
    // More addresses than the server has places: none of them holds more than an honest client.
    Attack {
        name: "crowd",
        holds: false,
        first: REQUEST,
        rate: 500,
        sources: 1500,
        server_options: SMALL_TABLE,
        distances: &[
            Duration::ZERO,
            Duration::from_millis(20),
            Duration::from_millis(100),
        ],
        ..SILENT
    },
    Attack {
        name: "linger",
        holds: false,
        first: REQUEST,
        // This also tells when the server has closed: only a failed write shows that.
        each_second: b"X",
        manner: Manner::Pays,
        rate: 500,
        sources: 4,
        server_options: SMALL_TABLE,
        ..SILENT
    },
];

/// Fills an array with `pattern`. It is `const` because it makes constants.
const fn repeat<const LEN: usize>(pattern: &[u8]) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    let mut index = 0;
    while index < LEN {
        bytes[index] = pattern[index % pattern.len()];
        index += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hoard_makes_as_many_requests_as_are_allowed() {
        assert_eq!(ALLOWED_REQUESTS, *b"1:\n1:\n1:\n1:\n1:\n1:\n1:\n1:\n");
    }
}
