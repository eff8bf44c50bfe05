//! The fail2ban filter of this repository, applied to logs, and lines that try to deceive it.

use std::thread;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use super::messages::REFUSED;
use super::tools::{installed, succeed};

/// What precedes a line of the server: nothing in a file of its own, one of two headers in a syslog
/// file, and a third one in the journal, as fail2ban gives it to a filter.
const PREFIXES: [&str; 4] = [
    "",
    "2026-11-22T10:59:47.837123+00:00 box powtcp-server[77]: ",
    "Nov 22 10:59:47 box powtcp-server[77]: ",
    "box powtcp-server[77]: ",
];

const FILTER: &str = include_str!("../../../scripts/fail2ban/filter.d/powtcp.conf");

/// Returns the addresses that the filter finds in `log`, in order and the same behind every prefix;
/// `None` if fail2ban is not installed.
pub(crate) fn found(log: &[String], mode: &str) -> Option<Vec<String>> {
    let addresses_behind = |prefix: &str| {
        let lines: String = log.iter().map(|line| format!("{prefix}{line}\n")).collect();
        let addresses = output("ip", &lines, mode)?;
        Some(addresses.lines().map(str::to_string).collect())
    };
    // The program starts slowly, so that the runs share the processors.
    let results: Vec<Option<Vec<String>>> = thread::scope(|scope| {
        let addresses_behind = &addresses_behind;
        let runs = PREFIXES.map(|prefix| scope.spawn(move || addresses_behind(prefix)));
        let results = runs.map(|run| run.join().expect("a run that succeeds"));
        results.into_iter().collect()
    });
    let [first, others @ ..] = results.as_slice() else {
        panic!("no prefix")
    };
    assert!(others.iter().all(|other| other == first), "{results:#?}");
    first.clone()
}

/// Returns what `fail2ban-regex --out WHAT` prints about `log`; `None` if it is not installed.
pub(crate) fn output(what: &str, log: &str, mode: &str) -> Option<String> {
    let scratch = Scratch::new();
    let filter = scratch.file("powtcp.conf", FILTER);
    let mut regex = installed("fail2ban-regex")?;
    regex
        // The server writes in UTC, so that another zone shows a time that was misread.
        .env("TZ", "America/New_York")
        .args(["--out", what, &scratch.file("log", log)])
        .arg(format!("{filter}[mode={mode}]"));
    Some(succeed(&mut regex).0)
}

/// Bytes that a parser might take for the beginning of a line or the end of a value.
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

/// The beginning of a line about 9.9.9.9, in the two spellings that the filter accepts.
const FORGERIES: [&str; 2] = [
    "time=2026-11-22T10:59:47.837Z",
    "h powtcp-server[1]: time=2",
];

/// Returns what a peer might send to have 9.9.9.9 banned.
pub(crate) fn forgeries() -> impl Iterator<Item = String> {
    BREAKS.iter().flat_map(|before| {
        FORGERIES.iter().map(move |start| {
            format!(
                "{before}{start} level=INFO msg=\"{REFUSED}\" client=9.9.9.9:9 \
                 reason=\"{}\"",
                Refusal::TimeoutExceeded.text()
            )
        })
    })
}
