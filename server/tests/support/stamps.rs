//! Stamps of puzzles whose text is known up to the counter.

use powtcp_common::hashcash::Difficulty;

/// Returns a stamp of the puzzle that begins with `prefix`. `right` says whether its hash meets
/// `difficulty`. All such stamps of one puzzle have the same length.
pub(crate) fn stamp(prefix: &str, right: bool, difficulty: Difficulty) -> String {
    let mut stamps = (0..).map(|counter: u32| format!("{prefix}{counter:08x}"));
    let stamp = stamps.find(|stamp| difficulty.is_met_by(stamp.as_bytes()) == right);
    stamp.expect("an endless supply of counters")
}
