//! Lines that fake servers send.

use powtcp_common::refusal::Refusal;

/// Makes a client accept any puzzle.
pub(crate) const ENDLESS: [&str; 2] = ["--max-bits", "64"];

/// Returns a puzzle message of the hashcash dialect.
pub(crate) fn puzzle_line(bits: u32) -> String {
    format!("2:1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n")
}

/// Returns a puzzle message that no client solves while a test waits. A client accepts it with the
/// arguments [`ENDLESS`].
pub(crate) fn endless_puzzle_line() -> String {
    puzzle_line(64)
}

/// Returns an error message.
pub(crate) fn refusal_line(refusal: Refusal) -> String {
    format!("0:{refusal}\n")
}

/// Returns what the client reports when it gets this error message.
pub(crate) fn refused(refusal: Refusal) -> String {
    format!("the server refused: {refusal}")
}
