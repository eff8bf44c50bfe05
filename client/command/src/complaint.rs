//! The texts of errors that an option of the command can help with.

use powtcp_client::PayError;

/// Returns what the command prints about an error. Where an option has set the limit, the text names the
/// option.
pub fn complaint(error: &PayError) -> String {
    match error {
        PayError::TooHard { bits, most } => {
            format!(
                "the puzzle has {bits} bits, more than --max-bits {most}: the server may be under \
                 load; try again later"
            )
        }
        PayError::Hopeless(estimate) => {
            format!("{estimate}: more than ten times --solve-timeout")
        }
        PayError::Unsolved { .. } => "no solution was found before --solve-timeout".to_string(),
        error => error.to_string(),
    }
}
