//! Guards that a standard error that takes no lines, such as a full pipe or a terminal after Ctrl-S, stops
//! nothing: lines are dropped, counted and reported.

use std::process::Command;

use powtcp_testkit::process::Program;

use crate::support::client::Client;
use crate::support::messages::{DROPPED, NOT_RELOADED};
use crate::support::page::Page;
use crate::support::server::field;
use crate::support::tools::succeed;
use crate::support::unread::{Lines, Unread};

const DROPPED_LINES: &str = "powtcp_log_lines_dropped_total";

/// Makes the server log lines, which no quota limits, until it has dropped one.
fn log_until_a_line_is_dropped(program: &Program, page: &Page) {
    let script = "i=0; while [ $i -lt 5000 ]; do kill -HUP $0; i=$((i + 1)); done";
    for _ in 0..100 {
        succeed(Command::new("sh").args(["-c", script, &program.pid().to_string()]));
        if page.values()[DROPPED_LINES] > 0.0 {
            return;
        }
    }
    panic!("no line is dropped");
}

#[test]
fn a_full_standard_error_stops_neither_the_service_nor_the_page_nor_the_shutdown() {
    let server = Unread::start();
    for _ in 0..10 {
        Client::connect(server.address).handshake();
    }
    let served = server.page.values()["powtcp_connections_total{outcome=\"served\"}"];
    assert_eq!(served, 10.0);
    server.program.signal("TERM");
    assert_eq!(server.program.finish().status, Some(0));
}

#[test]
fn dropped_lines_are_counted_and_reported_when_the_log_is_read_again() {
    let server = Unread::start();
    log_until_a_line_is_dropped(&server.program, &server.page);
    let dropped = server.page.values()[DROPPED_LINES];
    let lines = Lines::of(server.stderr);
    // The server logs nothing more on its own: a timer writes the report.
    let report = loop {
        let line = lines.next();
        if line.contains(DROPPED) {
            break line;
        }
        assert!(line.starts_with("time=2"), "{line}");
        assert!(line.contains(NOT_RELOADED), "{line}");
    };
    assert!(report.contains(" level=WARN "), "{report}");
    assert_eq!(field(&report, "count"), dropped.to_string());
    Client::connect(server.address).handshake();
    assert!(lines.next().contains("puzzle sent"));
    assert_eq!(server.page.values()[DROPPED_LINES], dropped);
}

#[test]
fn a_server_with_many_unwritten_lines_ends() {
    let server = Unread::start();
    log_until_a_line_is_dropped(&server.program, &server.page);
    server.program.signal("TERM");
    assert_eq!(server.program.finish().status, Some(0));
}

#[test]
fn lines_for_a_closed_standard_error_are_counted() {
    let Unread {
        program,
        address,
        page,
        stderr,
    } = Unread::start();
    drop(stderr);
    while page.values()[DROPPED_LINES] < 2.0 {
        Client::connect(address).handshake();
    }
    program.signal("TERM");
    assert_eq!(program.finish().status, Some(0));
}
