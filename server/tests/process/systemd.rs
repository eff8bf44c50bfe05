//! Guards the systemd unit: systemd accepts it, it confines the server, and its limits fit the server's
//! own.

use powtcp_common::duration;
use powtcp_server::config::PROGRAM;
use powtcp_testkit::scratch::Scratch;

use crate::support::page::Page;
use crate::support::server::{PROGRAM as SERVER, command, serve, serve_command};
use crate::support::tools::{installed, succeed};

const UNIT: &str = include_str!("../../../scripts/powtcp-server.service");
/// The unit of several processes on one port.
const TEMPLATE: &str = include_str!("../../../scripts/powtcp-server@.service");

/// The exposure that `systemd-analyze security` may find, in tenths: 0 is confined, 100 is open. What
/// remains is that the server talks to the internet.
const MOST_EXPOSURE: &str = "--threshold=15";

/// Writes both units as they are installed, except for the path of the program: systemd checks that the
/// program exists. Returns the paths.
fn installed_units(scratch: &Scratch) -> [String; 2] {
    let program = format!("ExecStart={}", SERVER);
    let write = |name, unit: &str| {
        let unit = unit.replace("ExecStart=/usr/local/bin/powtcp-server", &program);
        assert!(unit.contains(&program), "{unit}");
        scratch.file(name, unit)
    };
    [
        write("powtcp-server.service", UNIT),
        write("powtcp-server@.service", TEMPLATE),
    ]
}

#[test]
fn systemd_accepts_the_units_without_a_message() {
    let Some(mut analyze) = installed("systemd-analyze") else {
        return;
    };
    let scratch = Scratch::new();
    // The units that these depend on may have errors of their own.
    analyze.args(["verify", "--man=no", "--recursive-errors=no"]);
    let (stdout, stderr) = succeed(analyze.args(installed_units(&scratch)));
    assert_eq!((stdout.as_str(), stderr.as_str()), ("", ""));
}

#[test]
fn the_unit_confines_the_server() {
    let Some(mut analyze) = installed("systemd-analyze") else {
        return;
    };
    let scratch = Scratch::new();
    let [unit, _] = installed_units(&scratch);
    succeed(analyze.args(["security", "--offline=yes", MOST_EXPOSURE, &unit]));
}

/// Returns the lines of a unit from the first blank line of `[Service]` on.
fn confinement(unit: &str) -> &str {
    let service = unit.split_once("\n[Service]\n").expect("a service").1;
    service.split_once("\n\n").expect("a second block").1
}

#[test]
fn the_template_confines_its_instances_in_the_same_way() {
    let differs = |line: &&str| {
        let is_of_the_first_block = ["Type=", "ExecStart=", "EnvironmentFile="]
            .iter()
            .any(|key| line.starts_with(key));
        !is_of_the_first_block && !TEMPLATE.contains(line)
    };
    let service = UNIT.split_once("\n[Service]\n").expect("a service").1;
    let missing: Vec<_> = service.lines().filter(differs).collect();
    assert_eq!(missing, [""; 0]);
    assert_eq!(confinement(TEMPLATE), confinement(UNIT));
}

/// Returns the arguments that a template passes to the program for this instance.
fn arguments_of(instance: &str, credentials: &str) -> Vec<String> {
    let line = TEMPLATE
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/powtcp-server "))
        .expect("a command");
    let expanded = line.replace("%i", instance).replace("%d", credentials);
    expanded.split(' ').map(str::to_string).collect()
}

#[test]
fn instances_of_the_template_share_a_port_and_a_secret() {
    let scratch = Scratch::new();
    scratch.file("secret", "0123456789abcdef0123456789abcdef");
    let credentials = scratch.path().display().to_string();
    // Port 0 stands for the port of each instance, because a test must not use a fixed one.
    let arguments = arguments_of("0", &credentials);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut first = serve(&arguments);
    let address = first.address().to_string();
    let own = ["--listen", &address];
    let mut second = serve_command(command(&[&arguments[..], &own].concat()));
    assert_eq!(second.address(), first.address());
    let pages = [&mut first, &mut second].map(Page::of);
    for page in pages {
        assert!(page.text().contains("powtcp_build_info"));
    }
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
