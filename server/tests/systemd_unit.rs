//! Guards the systemd unit: systemd accepts it, it confines the server, and its limits fit the server's
//! own.

mod support;

use std::time::Duration;

use powtcp_common::options::{self, Default};
use powtcp_server::config::PROGRAM;
use support::scratch::Scratch;
use support::server_process;
use support::tools::{installed, succeed};

const UNIT: &str = include_str!("../../scripts/powtcp-server.service");

/// The highest exposure that `systemd-analyze security` may report, in tenths: 0 is confined, 100 is open.
/// The unit must at least reach the network.
const MOST_EXPOSURE: &str = "--threshold=15";

/// Returns the path of a copy of the unit that starts the program under test, because systemd checks that
/// the program exists.
fn installed_unit(scratch: &Scratch) -> String {
    let program = format!("ExecStart={}", server_process::PROGRAM);
    let unit = UNIT.replace("ExecStart=/usr/local/bin/powtcp-server", &program);
    assert!(unit.contains(&program), "{unit}");
    scratch.file("powtcp-server.service", unit)
}

#[test]
fn systemd_accepts_the_unit_without_warnings() {
    let Some(mut analyze) = installed("systemd-analyze") else {
        return;
    };
    let scratch = Scratch::new();
    let unit = installed_unit(&scratch);
    // Faults of other units on this machine do not count.
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

/// Returns the value that the unit sets `key` to.
fn setting(key: &str) -> &'static str {
    let mut values = UNIT
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("no {key}"));
    assert_eq!(values.next(), None, "{key} is set twice");
    value
}

/// Returns the default of an option of the server.
fn default_of(option: &str) -> &'static str {
    let spec = PROGRAM.options.iter().find(|spec| spec.long == option);
    match spec.map(|spec| spec.default) {
        Some(Default::Value(value)) => value,
        _ => panic!("no default of {option}"),
    }
}

#[test]
fn the_limits_of_the_unit_are_above_those_of_the_server() {
    let duration = |text| options::duration(text, Duration::ZERO..=Duration::MAX);
    let patience = duration(setting("TimeoutStopSec"));
    assert!(patience > duration(default_of("--shutdown-timeout")));

    let number = |text: &str| text.parse::<u32>().expect("a number");
    let descriptors = number(setting("LimitNOFILE"));
    assert!(descriptors > number(default_of("--max-connections")) + 100);
}
