//! Guards the systemd unit: systemd understands it, it shuts in what it runs, and its limits fit the
//! server's own.

mod support;

use powtcp_common::duration;
use powtcp_server::config::PROGRAM;
use support::scratch::Scratch;
use support::server_process;
use support::tools::{installed, succeed};

const UNIT: &str = include_str!("../../scripts/powtcp-server.service");

/// Exposure by `systemd-analyze security`, in tenths: 0 is shut in, 100 is open. What is left is that
/// it talks to the internet.
const MOST_EXPOSURE: &str = "--threshold=15";

/// The unit as it would be installed, but for the place of the program: systemd looks whether it is
/// there.
fn installed_unit(scratch: &Scratch) -> String {
    let program = format!("ExecStart={}", server_process::PROGRAM);
    let unit = UNIT.replace("ExecStart=/usr/local/bin/powtcp-server", &program);
    assert!(unit.contains(&program), "{unit}");
    scratch.file("powtcp-server.service", unit)
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit() {
    let Some(mut analyze) = installed("systemd-analyze") else {
        return;
    };
    let scratch = Scratch::new();
    let unit = installed_unit(&scratch);
    // Of other units on this machine nothing is known.
    let (stdout, stderr) =
        succeed(analyze.args(["verify", "--man=no", "--recursive-errors=no", &unit]));
    assert_eq!((stdout.as_str(), stderr.as_str()), ("", ""));
}

#[test]
fn the_unit_shuts_the_server_in() {
    let Some(mut analyze) = installed("systemd-analyze") else {
        return;
    };
    let scratch = Scratch::new();
    let unit = installed_unit(&scratch);
    succeed(analyze.args(["security", "--offline=yes", MOST_EXPOSURE, &unit]));
}

/// What the unit sets `key` to.
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
