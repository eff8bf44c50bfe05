//! Puzzles as a server writes them, for servers that are none.

/// A puzzle line in the hashcash dialect.
pub(crate) fn puzzle_line(bits: u32) -> String {
    format!("2:1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n")
}

/// One that no client solves while a test waits: 2^32 hashes, as many as the default allows.
pub(crate) fn endless_puzzle_line() -> String {
    puzzle_line(32)
}
