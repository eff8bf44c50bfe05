//! Puzzles as a server writes them, for servers that are none.

/// A puzzle line in the hashcash dialect.
pub(crate) fn puzzle_line(bits: u32) -> String {
    format!("2:1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n")
}

/// One that no client solves while a test waits; started with [`ENDLESS`] it tries.
pub(crate) fn endless_puzzle_line() -> String {
    puzzle_line(64)
}

/// What makes a client accept any puzzle.
pub(crate) const ENDLESS: [&str; 2] = ["--max-bits", "64"];
