//! Lines that fake servers send.

use powtcp_common::refusal::Refusal;

/// Makes a client accept any puzzle, and not give up while a test waits.
pub(crate) const ENDLESS: [&str; 4] = ["--max-bits", "64", "--solve-timeout", "24h"];

/// Makes a client accept any puzzle, and give up before it knows how long a solution would take.
pub(crate) const BRIEF: [&str; 4] = ["--max-bits", "64", "--solve-timeout", "150ms"];

/// Returns a puzzle message of the hashcash dialect.
pub(crate) fn puzzle_line(bits: u32) -> String {
    format!("2:1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n")
}

/// Returns a puzzle message that no client solves while a test waits. A client accepts it with the
/// arguments [`ENDLESS`], because a day is not hopeless: at 10^9 hashes a second it takes 18 minutes
/// on average.
pub(crate) fn endless_puzzle_line() -> String {
    puzzle_line(40)
}

/// Returns an error message.
pub(crate) fn refusal_line(refusal: Refusal) -> String {
    format!("0:{refusal}\n")
}

/// Returns what the client reports when it gets this error message.
pub(crate) fn refused(refusal: Refusal) -> String {
    format!("the server refused: {refusal}")
}
