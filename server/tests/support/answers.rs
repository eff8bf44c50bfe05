//! The lines that a server sends, spelled from the one place that has their texts.

use powtcp_common::refusal::Refusal;

/// Returns the line that tells a client `why`, without its newline.
pub(crate) fn refusal(why: Refusal) -> String {
    format!("0:{}", why.text())
}
