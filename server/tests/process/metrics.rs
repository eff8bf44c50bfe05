//! Guards the metrics page: its counts add up, promtool accepts it, and neither a flood of the service
//! nor one of the page keeps the operator out.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::descriptors::limit_descriptors;
use crate::support::messages::{ACCEPTED, ACCEPTING_PAUSED, CLOSED};
use crate::support::page::{Page, rest};
use crate::support::server::{ServerProcess, serve};
use crate::support::solving::wrong_line;
use crate::support::tools::installed;

const METRICS: [&str; 2] = ["--metrics", "127.0.0.1:0"];

/// Starts a server with a metrics page.
fn start(arguments: &[&str]) -> (ServerProcess, Page) {
    let mut server = serve(&[&METRICS, arguments].concat());
    let page = Page::of(&mut server);
    (server, page)
}

/// Returns the sum over all labels of `name`.
fn sum(values: &BTreeMap<String, f64>, name: &str) -> f64 {
    let start = format!("{name}{{");
    let of_name = values
        .iter()
        .filter(|(series, _)| series.starts_with(&start));
    of_name.map(|(_, value)| value).sum()
}

#[test]
fn every_connection_ends_in_exactly_one_outcome() {
    let (mut server, page) = start(&["--max-connections", "4", "--log-level", "debug"]);
    for _ in 0..3 {
        Client::connect(server.address()).handshake();
    }
    for line in ["9:\n", "3:no stamp\n", "3:1:8:x:x::x:x\n"] {
        let mut client = Client::connect(server.address());
        client.send(line);
        client.rest();
    }
    let mut client = Client::connect(server.address());
    let wrong = wrong_line(&client.puzzle());
    client.send(wrong);
    client.rest();
    drop(client);
    let left = Client::connect(server.address());
    left.finish_sending();
    drop(left);
    Client::connect(server.address()).reset();
    let mut holders: Vec<_> = (0..5).map(|_| Client::connect(server.address())).collect();
    assert_eq!(holders[0].rest(), [refusal(Refusal::ServerBusy)]);
    for holder in &mut holders[1..] {
        holder.puzzle();
    }
    // Ten connections have ended before the page is read: the counts are final.
    for _ in 0..10 {
        server.wait_for(CLOSED);
    }

    let values = page.values();
    let expected = [
        ("powtcp_connections_accepted_total", 14.0),
        ("powtcp_connections_total{outcome=\"served\"}", 3.0),
        ("powtcp_connections_total{outcome=\"refused\"}", 4.0),
        ("powtcp_connections_total{outcome=\"left\"}", 1.0),
        ("powtcp_connections_total{outcome=\"broken\"}", 1.0),
        ("powtcp_connections_total{outcome=\"evicted\"}", 1.0),
        ("powtcp_connections_total{outcome=\"turned_away\"}", 0.0),
        ("powtcp_connections{state=\"fresh\"}", 0.0),
        ("powtcp_connections{state=\"puzzled\"}", 4.0),
        ("powtcp_evictions_total{state=\"fresh\"}", 1.0),
        ("powtcp_puzzles_issued_total", 8.0),
        ("powtcp_stamps_total{verdict=\"right\"}", 3.0),
        ("powtcp_stamps_total{verdict=\"not_correct\"}", 2.0),
        ("powtcp_stamps_total{verdict=\"not_found\"}", 1.0),
        ("powtcp_refusals_total{reason=\"incorrect_message\"}", 1.0),
        ("powtcp_refusals_total{reason=\"server_busy\"}", 1.0),
        ("powtcp_solve_seconds_count", 3.0),
    ];
    for (series, value) in expected {
        assert_eq!(values.get(series), Some(&value), "{series} of {values:#?}");
    }
    let ended = sum(&values, "powtcp_connections_total");
    let open = sum(&values, "powtcp_connections");
    assert_eq!(ended + open, values["powtcp_connections_accepted_total"]);
    for (series, least) in [
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 10.0),
        ("process_max_fds", 20.0),
        ("process_start_time_seconds", 1.7e9),
        ("powtcp_sent_bytes_total", 8.0 * 60.0),
        ("powtcp_received_bytes_total", 8.0 * 3.0),
        ("powtcp_loop_turn_seconds_count", 14.0),
    ] {
        assert!(values[series] >= least, "{series} of {values:#?}");
    }
}

#[test]
fn promtool_accepts_the_page() {
    let (server, page) = start(&[]);
    Client::connect(server.address()).handshake();
    let Some(mut promtool) = installed("promtool") else {
        return;
    };
    let mut check = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program is installed");
    let mut stdin = check.stdin.take().expect("standard input is a pipe");
    stdin
        .write_all(page.text().as_bytes())
        .expect("promtool reads its input");
    drop(stdin);
    let output = check.wait_with_output().expect("a child of ours");
    assert!(output.stdout.is_empty(), "{output:?}");
    // Difficulty is measured in bits, which are no amount of data.
    let complaints = String::from_utf8_lossy(&output.stderr);
    let of_difficulty = |line: &str| line.starts_with("powtcp_level_bits use base unit");
    assert!(complaints.lines().all(of_difficulty), "{output:?}");
}

#[test]
fn every_series_of_the_alerts_is_on_the_page() {
    let (_server, page) = start(&[]);
    let text = page.text();
    let alerts = include_str!("../../../scripts/prometheus-alerts.yml");
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let names = alerts
        .split(|c| !is_name(c))
        .filter(|word| word.starts_with("powtcp_") || word.starts_with("process_"));
    let mut count = 0;
    for name in names {
        count += 1;
        assert!(
            text.contains(&format!("\n{name}")),
            "{name} is not on the page"
        );
    }
    assert!(count > 10);
}

#[test]
fn requests_for_anything_else_are_refused() {
    let (_server, page) = start(&[]);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n".to_string(), "404 "),
        ("GET /metricsx HTTP/1.1\r\n\r\n".to_string(), "404 "),
        ("POST /metrics HTTP/1.1\r\n\r\nx=1".to_string(), "405 "),
        ("1:\n\n".to_string(), "400 "),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(5_000)), "431 "),
    ] {
        let response = page.ask(&request);
        let start = format!("HTTP/1.1 {status}");
        assert!(response.starts_with(&start), "{request:?}: {response:?}");
    }
}

#[test]
fn head_gets_the_head_of_the_page() {
    let (_server, page) = start(&[]);
    let response = page.ask("HEAD /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
    let (head, body) = response.split_once("\r\n\r\n").expect("the end of a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let length = head.split("\r\nContent-Length: ").nth(1);
    let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    assert!(length.is_some_and(|length: usize| length > 1_000), "{head}");
    assert_eq!(body, "");
}

#[test]
fn the_clocks_of_a_fresh_server_agree() {
    let (_server, page) = start(&[]);
    let offset = page.values()["powtcp_clock_offset_seconds"];
    assert!(offset.abs() < 5.0, "{offset}");
}

#[test]
fn a_silent_visitor_makes_room_for_one_that_asks() {
    let (_server, page) = start(&[]);
    let mut silent: Vec<_> = (0..50).map(|_| page.connect()).collect();
    assert!(page.text().contains("\npowtcp_build_info"));
    assert_eq!(
        rest(silent.remove(0)),
        "",
        "the oldest visitor is dropped first"
    );
    let mut slow = page.connect();
    slow.write_all(b"GET /metr").expect("a page that reads");
    assert!(page.text().contains("\npowtcp_build_info"));
    slow.write_all(b"ics HTTP/1.1\r\n\r\n")
        .expect("a page that still reads");
    assert!(rest(slow).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_silent_visit_is_ended() {
    let (_server, page) = start(&[]);
    assert_eq!(rest(page.connect()), "");
}

#[test]
fn a_server_without_free_descriptors_still_shows_its_page() {
    let (mut server, page) = start(&["--handshake-timeout", "1h", "--log-level", "debug"]);
    limit_descriptors(server.pid(), 64);
    let clients: Vec<_> = (0..100)
        .map(|_| Client::connect(server.address()))
        .collect();
    server.wait_for(ACCEPTING_PAUSED);
    for client in clients.into_iter().take(20) {
        let values = page.values();
        assert_eq!(values["powtcp_accepting_paused"], 1.0);
        assert_eq!(values["process_max_fds"], 64.0);
        assert!(values["process_open_fds"] >= 60.0);
        assert!(values["process_cpu_seconds_total"] < 60.0);
        assert!(values["process_resident_memory_bytes"] > 1e6);
        // The service takes each descriptor that becomes free, but not the one of the page.
        drop(client);
        server.wait_for(CLOSED);
        server.wait_for(ACCEPTED);
    }
}

#[test]
fn a_full_table_leaves_room_for_the_page() {
    let (server, page) = start(&["--max-connections", "3"]);
    let mut clients: Vec<_> = (0..30).map(|_| Client::connect(server.address())).collect();
    assert_eq!(clients[26].rest(), [refusal(Refusal::ServerBusy)]);
    assert_eq!(sum(&page.values(), "powtcp_connections"), 3.0);
}
