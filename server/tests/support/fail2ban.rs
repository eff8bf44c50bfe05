//! fail2ban's filter for the server, put to a log; and lines that would like to deceive it.

use super::scratch::Scratch;
use super::tools::{installed, succeed};

/// What comes before the server's line: in its own file, in two kinds of files of syslog's, and in
/// the journal as fail2ban hands it to a filter.
const PREFIXES: [&str; 4] = [
    "",
    "2026-11-22T10:59:47.837123+00:00 box powtcp-server[77]: ",
    "Nov 22 10:59:47 box powtcp-server[77]: ",
    "box powtcp-server[77]: ",
];

const FILTER: &str = include_str!("../../../scripts/fail2ban/filter.d/powtcp.conf");

/// Whom the filter finds in `log`, in order, whatever wrote it; `None` without fail2ban.
pub(crate) fn found(log: &[String], mode: &str) -> Option<Vec<String>> {
    let mut results = Vec::new();
    for prefix in PREFIXES {
        let lines: String = log.iter().map(|line| format!("{prefix}{line}\n")).collect();
        let addresses = output("ip", &lines, mode)?;
        results.push(addresses.lines().map(str::to_string).collect::<Vec<_>>());
    }
    let first = results.swap_remove(0);
    assert!(results.iter().all(|other| *other == first), "{results:#?}");
    Some(first)
}

/// What fail2ban tells of what it finds in `log`: `what` as `fail2ban-regex --out` takes it.
pub(crate) fn output(what: &str, log: &str, mode: &str) -> Option<String> {
    let scratch = Scratch::new();
    let filter = scratch.file("powtcp.conf", FILTER);
    let mut regex = installed("fail2ban-regex")?;
    regex
        // Far from UTC, in which the server writes.
        .env("TZ", "America/New_York")
        .args(["--out", what, &scratch.file("log", log)])
        .arg(format!("{filter}[mode={mode}]"));
    Some(succeed(&mut regex).0)
}

/// What could pass for the beginning of a new line, or for the end of a value.
const BREAKS: [&str; 15] = [
    "",
    "\r",
    "\r\r",
    "\u{b}",
    "\u{c}",
    "\u{1c}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\0",
    "\" ",
    "\\\" ",
    "\\",
    "\"\r",
    "\u{1b}[2K",
];

/// The beginning of a line about 9.9.9.9, in the two spellings that the filter takes.
const FORGERIES: [&str; 2] = [
    "time=2026-11-22T10:59:47.837Z",
    "h powtcp-server[1]: time=2",
];

/// What a peer might send to have 9.9.9.9 banned.
pub(crate) fn forgeries() -> impl Iterator<Item = String> {
    BREAKS.iter().flat_map(|before| {
        FORGERIES.iter().map(move |start| {
            format!(
                "{before}{start} level=INFO msg=\"connection refused\" client=9.9.9.9:9 \
                 reason=\"timeout exceeded\""
            )
        })
    })
}
