//! Guards the alerts for Prometheus: promtool accepts them, each fires on its own trouble and on no
//! other, and none fires while a server does well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use powtcp_testkit::scratch::Scratch;

use crate::support::tools::{installed, succeed};

const ALERTS: &str = include_str!("../../../scripts/prometheus-alerts.yml");

/// The series of a server that does well, for an hour: 100 handshakes a second, and a few clients that
/// are refused. There is one value per minute, as promtool spells it: `a+bx60` starts at `a` and rises
/// by `b`.
const WELL: [(&str, &str); 35] = [
    ("up", "1x60"),
    ("process_start_time_seconds", "1700000000x60"),
    ("process_cpu_seconds_total", "0+6x60"),
    ("process_resident_memory_bytes", "3000000x60"),
    ("process_open_fds", "112x60"),
    ("process_max_fds", "65536x60"),
    ("powtcp_connections{state='fresh'}", "10x60"),
    ("powtcp_connections{state='puzzled'}", "90x60"),
    ("powtcp_max_connections", "10000x60"),
    ("powtcp_connections_total{outcome='served'}", "0+6000x60"),
    ("powtcp_evictions_total{state='fresh'}", "0+60x60"),
    ("powtcp_evictions_total{state='puzzled'}", "0x60"),
    ("powtcp_refusals_total{reason='internal_error'}", "0x60"),
    ("powtcp_refusals_total{reason='puzzle_expired'}", "0+300x60"),
    ("powtcp_stamps_total{verdict='right'}", "0+6000x60"),
    ("powtcp_stamps_total{verdict='not_correct'}", "0+300x60"),
    ("powtcp_stamps_total{verdict='not_found'}", "0x60"),
    ("powtcp_accept_pauses_total", "2x60"),
    ("powtcp_accepting_paused", "0x60"),
    ("powtcp_log_lines_dropped_total", "7x60"),
    ("powtcp_relays{state='connecting'}", "2x60"),
    ("powtcp_relays{state='open'}", "500x60"),
    ("powtcp_max_relays", "1000x60"),
    ("powtcp_relays_total{ending='client_closed'}", "0+600x60"),
    ("powtcp_relays_total{ending='upstream_refused'}", "0+6x60"),
    ("powtcp_level_bits", "18x60"),
    ("powtcp_max_level", "26x60"),
    ("powtcp_proven_hashes_per_second", "5000000x60"),
    ("powtcp_clock_offset_seconds", "0.001x60"),
    ("powtcp_solve_seconds_bucket{le='10'}", "0+5900x60"),
    ("powtcp_solve_seconds_bucket{le='30'}", "0+6000x60"),
    ("powtcp_solve_seconds_bucket{le='+Inf'}", "0+6000x60"),
    ("powtcp_loop_turn_seconds_bucket{le='0.05'}", "0+9000x60"),
    ("powtcp_loop_turn_seconds_bucket{le='0.25'}", "0+9001x60"),
    ("powtcp_loop_turn_seconds_bucket{le='+Inf'}", "0+9001x60"),
];

/// Each alert, and the values on which it must fire.
const TROUBLES: [(&str, &[(&str, &str)]); 19] = [
    (
        "PowtcpLogLinesDropped",
        &[("powtcp_log_lines_dropped_total", "7x58 9 9")],
    ),
    (
        "PowtcpClockWrong",
        &[("powtcp_clock_offset_seconds", "-3600x60")],
    ),
    ("PowtcpDown", &[("up", "1x57 0x3")]),
    (
        "PowtcpRestarts",
        &[("process_start_time_seconds", "1x50 2 3 4 5 5 5 5 5 5 5")],
    ),
    (
        "PowtcpInternalErrors",
        &[("powtcp_refusals_total{reason='internal_error'}", "0x58 1 1")],
    ),
    (
        "PowtcpPuzzlesEvicted",
        &[("powtcp_evictions_total{state='puzzled'}", "0+1x60")],
    ),
    (
        "PowtcpTableFull",
        &[("powtcp_connections{state='fresh'}", "7950x60")],
    ),
    (
        "PowtcpAcceptingPaused",
        &[("powtcp_accept_pauses_total", "2x58 3 3")],
    ),
    (
        "PowtcpAcceptingPaused",
        &[("powtcp_accepting_paused", "0x59 1")],
    ),
    (
        "PowtcpUpstreamDown",
        &[("powtcp_relays_total{ending='upstream_refused'}", "0+700x60")],
    ),
    (
        "PowtcpRelaysFull",
        &[("powtcp_relays{state='open'}", "898x60")],
    ),
    ("PowtcpPriceHighest", &[("powtcp_level_bits", "26x60")]),
    ("PowtcpDescriptorsLow", &[("process_max_fds", "120x60")]),
    (
        "PowtcpSolvingSlow",
        &[("powtcp_solve_seconds_bucket{le='10'}", "0x60")],
    ),
    (
        "PowtcpPuzzlesExpire",
        &[(
            "powtcp_refusals_total{reason='puzzle_expired'}",
            "0+6001x60",
        )],
    ),
    (
        "PowtcpStampsWrong",
        &[("powtcp_stamps_total{verdict='not_found'}", "0+5701x60")],
    ),
    (
        "PowtcpProcessorFull",
        &[("process_cpu_seconds_total", "0+50x60")],
    ),
    (
        "PowtcpLoopSlow",
        &[("powtcp_loop_turn_seconds_bucket{le='0.05'}", "0+8900x60")],
    ),
    (
        "PowtcpMemoryHigh",
        &[("process_resident_memory_bytes", "65000000x60")],
    ),
];

#[test]
fn promtool_accepts_the_alerts() {
    let Some(mut promtool) = installed("promtool") else {
        return;
    };
    let scratch = Scratch::new();
    let file = scratch.file("alerts.yml", ALERTS);
    succeed(promtool.args(["check", "rules", "--lint=all", "--lint-fatal", &file]));
}

#[test]
fn each_alert_fires_on_its_own_trouble_only() {
    let in_file = ALERTS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let tested = TROUBLES.iter().map(|(alert, _)| *alert);
    assert_eq!(
        tested.collect::<BTreeSet<_>>(),
        in_file.collect::<BTreeSet<_>>()
    );

    let Some(mut promtool) = installed("promtool") else {
        return;
    };
    let scratch = Scratch::new();
    let mut tests = format!(
        "rule_files: [ {} ]\nevaluation_interval: 1m\ntests:\n",
        scratch.file("alerts.yml", ALERTS)
    );
    write_test(&mut tests, &[], None);
    for (alert, trouble) in TROUBLES {
        write_test(&mut tests, trouble, Some(alert));
    }
    succeed(promtool.args(["test", "rules", &scratch.file("tests.yml", tests)]));
}

/// Writes one test for promtool: after an hour of `trouble` in series that are well otherwise, `alert`
/// fires and no other.
fn write_test(tests: &mut String, trouble: &[(&str, &str)], alert: Option<&str>) {
    let mut series = BTreeMap::from(WELL);
    for (name, values) in trouble {
        let known = series.insert(name, values);
        assert!(known.is_some(), "{name} is not a series of the server");
    }
    let mut push = |text: std::fmt::Arguments<'_>| tests.write_fmt(text).expect("a string");
    push(format_args!(
        "- interval: 1m\n  name: {alert:?}\n  input_series:\n"
    ));
    for (name, values) in series {
        let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
        push(format_args!(
            "  - series: \"{name}{{job='powtcp',instance='a:9100',{labels}\"\n    values: {values}\n"
        ));
    }
    push(format_args!(
        "  promql_expr_test:\n  - expr: count by (alertname) (ALERTS{{alertstate='firing'}})\n    \
         eval_time: 60m\n    exp_samples:\n"
    ));
    if let Some(alert) = alert {
        push(format_args!(
            "    - labels: \"{{alertname='{alert}'}}\"\n      value: 1\n"
        ));
    }
}
