//! Puzzles of scripted servers.

/// Returns the line of a puzzle in the hashcash dialect.
pub(crate) fn puzzle_line(bits: u32) -> String {
    format!("2:1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n")
}
