//! The progress that a client shows on a terminal while it solves.

use crate::client::client_on_a_terminal;
use crate::script::BRIEF;
use crate::support::fake_server::FakeServer;
use crate::support::program::outcome_of;
use crate::support::puzzles::puzzle_line;
use crate::support::real_server::serve;

/// Returns the cursor to the start of the line.
const START: &str = "\r";
/// Erases the rest of the line (ECMA-48, 8.3.41).
const ERASE: &str = "\x1b[K";

/// A wide terminal that understands escape sequences.
const XTERM: [(&str, &str); 3] = [("TERM", "xterm"), ("COLUMNS", "120"), ("NO_COLOR", "")];

/// Returns what a client with these `flags` and this `environment` writes to its terminal when its time to solve ends.
fn unsolved(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let server = FakeServer::start(|mut client| {
        client.answer_request(puzzle_line(64));
        client.rest_while_open()
    });
    let arguments = [&BRIEF[..], &[server.address()], flags].concat();
    let mut command = client_on_a_terminal(&arguments);
    command.envs(environment.iter().copied());
    let outcome = outcome_of(command);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(server.finish(), "");
    outcome.text()
}

#[test]
fn progress_shows_attempts_rate_and_share_on_one_line() {
    let shown = unsolved(&[], &XTERM);
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
        let shown = unsolved(&[flag], &XTERM);
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

#[test]
fn a_terminal_of_unknown_width_gets_a_line_for_20_columns() {
    let shown = unsolved(&[], &[("TERM", "xterm"), ("COLUMNS", "")]);
    let lines = shown.split(START).map(|part| part.trim_end_matches(ERASE));
    let progress: Vec<_> = lines
        .filter(|line| line.starts_with("64 bits 0% "))
        .collect();
    assert!(!progress.is_empty(), "{shown:?}");
    assert!(progress.iter().all(|line| line.len() < 20), "{shown:?}");
}

#[test]
fn a_dumb_terminal_and_a_user_without_colours_get_no_escapes() {
    for variable in [("TERM", "dumb"), ("NO_COLOR", "1")] {
        let shown = unsolved(&[], &[XTERM[0], XTERM[1], variable]);
        assert!(!shown.contains('\x1b'), "{shown:?}");
        let (progress, reason) = shown.split_once("powtcp-client: ").expect("a reason");
        assert!(progress.starts_with("\rsolving 64 bits: "), "{shown:?}");
        // The line is overwritten with spaces before the reason.
        let erased = progress.trim_end_matches(START).rsplit(START).next();
        assert!(
            erased.is_some_and(|text| text.trim().is_empty()),
            "{shown:?}"
        );
        assert!(reason.starts_with("no solution was found"), "{shown:?}");
    }
}

#[test]
fn a_resource_cannot_act_on_a_terminal() {
    let server = FakeServer::start(|mut client| {
        client.take_stamp();
        client.end_with(b"4:\x1b[2Jred\x07 \"\\\" \xe2\x80\xae\xff\n")
    });
    let outcome = outcome_of(client_on_a_terminal(&["--quiet", server.address()]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let shown = "\\x1b[2Jred\\x07 \"\\\" \\u{202e}\\xff\r\n";
    assert_eq!(outcome.text(), shown);
}
