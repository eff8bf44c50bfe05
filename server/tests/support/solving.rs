//! Lines with right and wrong stamps for the text of a puzzle.

use std::num::NonZero;

use powtcp_common::hashcash::{Challenge, Kernel, Watch, solve};

/// Parses the puzzle in `answer`, a whole line with its `2:`.
fn challenge(answer: &str) -> Challenge {
    let puzzle = answer
        .strip_prefix("2:")
        .unwrap_or_else(|| panic!("{answer:?} is not a puzzle"));
    Challenge::parse(puzzle.as_bytes()).expect("a puzzle as the protocol spells it")
}

/// Returns the line that solves the puzzle of `answer`.
pub(crate) fn right_line(answer: &str) -> String {
    let challenge = challenge(answer);
    let counter = solve(
        &challenge,
        Kernel::best(),
        NonZero::<usize>::MIN,
        &Watch::new(),
    );
    line(&challenge, counter.expect("a search without a limit"))
}

/// Returns a line with a stamp of the puzzle of `answer` whose hash has too few leading zeros.
pub(crate) fn wrong_line(answer: &str) -> String {
    let challenge = challenge(answer);
    let counter = (0..).find(|&counter| !challenge.is_solved_by(counter));
    line(&challenge, counter.expect("most counters are wrong"))
}

/// Returns the line that solves the puzzle of `answer` with the first right one of `counters`, which
/// are texts: the caller decides how a counter is spelled.
pub(crate) fn line_with_counter(
    answer: &str,
    counters: impl IntoIterator<Item = String>,
) -> String {
    let challenge = challenge(answer);
    let prefix = String::from_utf8_lossy(challenge.prefix()).into_owned();
    counters
        .into_iter()
        .map(|counter| format!("{prefix}{counter}"))
        .find(|stamp| challenge.difficulty().is_met_by(stamp.as_bytes()))
        .map(|stamp| format!("3:{stamp}\n"))
        .expect("a right counter among those given")
}

fn line(challenge: &Challenge, counter: u64) -> String {
    let stamp = challenge.stamp(counter);
    format!("3:{}\n", String::from_utf8_lossy(&stamp))
}
