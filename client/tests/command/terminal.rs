//! The progress that a client shows on a terminal while it solves.

use crate::client::client_on_a_terminal;
use crate::script::{ENDLESS, endless_puzzle_line};
use crate::support::fake_server::FakeServer;
use crate::support::program::outcome_of;
use crate::support::real_server::serve;

/// Returns the cursor to the start of the line.
const START: &str = "\r";
/// Erases the rest of the line (ECMA-48, 8.3.41).
const ERASE: &str = "\x1b[K";

/// Returns what a client with these `flags` writes to its terminal when its time to solve ends.
fn unsolved(flags: &[&str]) -> String {
    let server = FakeServer::start(|mut client| {
        client.answer_request(endless_puzzle_line());
        client.rest_while_open()
    });
    let arguments = ["--solve-timeout", "300ms", server.address()];
    let outcome = outcome_of(client_on_a_terminal(
        &[&ENDLESS[..], &arguments, flags].concat(),
    ));
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(server.finish(), "");
    outcome.text()
}

#[test]
fn progress_shows_attempts_rate_and_share_on_one_line() {
    let shown = unsolved(&[]);
    let mut lines: Vec<_> = shown.split(START).collect();
    assert_eq!(lines.remove(0), "");
    let is_progress = |line: &&str| line.starts_with("solving 64 bits: ");
    let progress: Vec<_> = lines.iter().copied().take_while(is_progress).collect();
    assert!(!progress.is_empty(), "{shown:?}");
    for line in &progress {
        assert!(line.contains(" attempts in "), "{line:?}");
        assert!(line.contains(" MH/s, "), "{line:?}");
        assert!(
            line.ends_with(&format!(" % of the expected work{ERASE}")),
            "{line:?}"
        );
    }
    let reason = "powtcp-client: no solution was found before --solve-timeout";
    assert_eq!(lines[progress.len()..], [&format!("{ERASE}{reason}"), "\n"]);
}

#[test]
fn a_quiet_and_a_verbose_client_show_no_progress() {
    for flag in ["--quiet", "--verbose"] {
        let shown = unsolved(&[flag]);
        assert!(!shown.contains("solving"), "{shown:?}");
        assert!(!shown.contains(ERASE), "{shown:?}");
    }
}

#[test]
fn the_progress_is_erased_before_the_report_of_the_solution() {
    let server = serve("Don't Panic.", &["--bits", "8"]);
    let outcome = outcome_of(client_on_a_terminal(&[&server]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let text = outcome.text();
    let (_, last) = text.rsplit_once(ERASE).expect("an erased line");
    assert!(last.starts_with("solved 8 bits: "), "{text:?}");
    assert!(last.ends_with("\r\nDon't Panic.\r\n"), "{text:?}");
}
