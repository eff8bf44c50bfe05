//! Guards the systemd unit: systemd accepts it, it confines the server, and its limits fit the server's
//! own.

use powtcp_common::duration;
use powtcp_server::config::PROGRAM;
use powtcp_testkit::scratch::Scratch;

use crate::support::server::PROGRAM as SERVER;
use crate::support::tools::{installed, succeed};

const UNIT: &str = include_str!("../../../scripts/powtcp-server.service");

/// The exposure that `systemd-analyze security` may find, in tenths: 0 is confined, 100 is open. What
/// remains is that the server talks to the internet.
const MOST_EXPOSURE: &str = "--threshold=15";

/// Writes the unit as it is installed, except for the path of the program: systemd checks that the
/// program exists.
fn installed_unit(scratch: &Scratch) -> String {
    let program = format!("ExecStart={}", SERVER);
    let unit = UNIT.replace("ExecStart=/usr/local/bin/powtcp-server", &program);
    assert!(unit.contains(&program), "{unit}");
    scratch.file("powtcp-server.service", unit)
}

#[test]
fn systemd_accepts_the_unit_without_a_message() {
    let Some(mut analyze) = installed("systemd-analyze") else {
        return;
    };
    let scratch = Scratch::new();
    let unit = installed_unit(&scratch);
    // The units that this one depends on may have errors of their own.
    let (stdout, stderr) =
        succeed(analyze.args(["verify", "--man=no", "--recursive-errors=no", &unit]));
    assert_eq!((stdout.as_str(), stderr.as_str()), ("", ""));
}

#[test]
fn the_unit_confines_the_server() {
    let Some(mut analyze) = installed("systemd-analyze") else {
        return;
    };
    let scratch = Scratch::new();
    let unit = installed_unit(&scratch);
    succeed(analyze.args(["security", "--offline=yes", MOST_EXPOSURE, &unit]));
}

/// Returns what the unit sets `key` to.
fn setting(key: &str) -> &'static str {
    let mut values = UNIT
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("no {key}"));
    assert_eq!(values.next(), None, "{key} is set twice");
    value
}

/// Returns the default value of an option of the server.
fn default_of(option: &str) -> &'static str {
    PROGRAM
        .default_of(option)
        .expect("an option with a default")
}

#[test]
fn the_units_limits_are_above_the_servers() {
    let patience = duration::parse(setting("TimeoutStopSec"));
    assert!(patience > duration::parse(default_of("--shutdown-timeout")));

    let number = |text: &str| text.parse::<u32>().expect("a number");
    let descriptors = number(setting("LimitNOFILE"));
    assert!(descriptors > number(default_of("--max-connections")) + 100);
}
