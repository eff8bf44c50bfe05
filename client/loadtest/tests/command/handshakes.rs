//! The load test against a running server: its table, and its exit status.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use powtcp_common::refusal::Refusal;

use crate::loadtest::{loadtest, row};
use crate::support::fake_server::{FakeServer, Peer};
use crate::support::ports::taken_port;
use crate::support::program::{Expect, Outcome, outcome_of};
use crate::support::puzzles::puzzle_line;
use crate::support::real_server::serve;

/// A load of several rounds.
const FEW: &[&str] = &["-n", "40", "-c", "8"];

fn run(arguments: &[&str]) -> Outcome {
    outcome_of(loadtest(arguments))
}

/// Expects that every handshake succeeded.
#[track_caller]
fn assert_served(outcome: &Outcome) {
    outcome.assert_silent_success();
    assert_eq!(row(outcome, "failures"), "0");
}

/// Expects that every handshake with a server that plays `script` fails, and is counted as `kind`.
#[track_caller]
fn assert_failures(load: &[&str], kind: &str, script: impl Fn(Peer) + Send + Sync + 'static) {
    let server = FakeServer::start_for_many(script);
    let outcome = run(&[&[server.address()], load].concat());
    let all = load[1];
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(row(&outcome, "failures"), all, "{outcome:?}");
    assert_eq!(row(&outcome, kind), all, "{outcome:?}");
    let reason = format!("powtcp-loadtest: {all} handshakes failed");
    assert_eq!(outcome.stderr, [reason]);
}

/// Sends a client a puzzle, and reads its stamp.
fn take_payment(client: &mut Peer) {
    client.answer_request(puzzle_line(4));
    assert!(client.line().starts_with("3:1:4:"));
}

#[test]
fn a_server_that_serves_every_client_gets_a_table_without_failures() {
    for (dialect, listen) in [("hashcash", "127.0.0.1:0"), ("powtcp", "[::1]:0")] {
        let arguments = ["--dialect", dialect, "--listen", listen, "--bits", "4"];
        let server = serve("paid", &arguments);
        let outcome = run(&[&server, "-n", "300", "-c", "16"]);
        assert_served(&outcome);
        for (name, value) in [
            ("server", server.as_str()),
            ("handshakes", "300"),
            ("concurrent", "16"),
        ] {
            assert_eq!(row(&outcome, name), value);
        }
        let rate: f64 = row(&outcome, "handshakes a second")
            .parse()
            .expect("a number");
        assert!(rate > 0.0);
        let latencies = ["p50", "p90", "p99", "max"].map(|name| {
            let value = row(&outcome, &format!("closed latency {name}"));
            let milliseconds = value.strip_suffix(" ms").expect("milliseconds");
            milliseconds.parse::<f64>().expect("a number")
        });
        assert!(latencies[0] > 0.0 && latencies.is_sorted(), "{latencies:?}");
        // Its own server would have this row.
        assert!(!outcome.text().contains("CPU"), "{outcome:?}");
    }
}

#[test]
fn a_running_server_is_used_behind_a_balancer_only_with_headers() {
    let server = serve("paid", &["--bits", "4", "--accept-proxy", "127.0.0.0/8"]);
    let load = [FEW, &["--honest-rate", "20"]].concat();
    assert_served(&run(&[&[&server, "--proxied"], &load[..]].concat()));
    let outcome = run(&[&[&*server], FEW].concat());
    assert_eq!(row(&outcome, "failures"), "40", "{outcome:?}");
}

#[test]
fn answers_may_arrive_one_byte_at_a_time() {
    let server = FakeServer::start_for_many(|mut client: Peer| {
        assert_eq!(client.line(), "1:\n");
        client.send_bytewise(puzzle_line(4));
        assert!(client.line().starts_with("3:1:4:"));
        client.send_bytewise("4:paid\n");
    });
    assert_served(&run(&[server.address(), "-n", "20", "-c", "5"]));
}

#[test]
fn as_many_handshakes_are_in_progress_as_the_option_says() {
    let (together, in_progress) = (Barrier::new(4), AtomicUsize::new(0));
    let server = FakeServer::start_for_many(move |mut client| {
        let others = in_progress.fetch_add(1, SeqCst);
        together.wait();
        take_payment(&mut client);
        in_progress.fetch_sub(1, SeqCst);
        client.send("4:paid\n");
        others
    });
    assert_served(&run(&[server.address(), "-n", "12", "-c", "4"]));
    assert!((0..12).all(|_| server.finish() < 4));
}

#[test]
fn handshakes_come_from_many_addresses_in_turn() {
    let server = FakeServer::start_for_many(|mut client| {
        take_payment(&mut client);
        client.send("4:paid\n");
        let address = client.stream().peer_addr();
        address.expect("a connected client").ip().to_string()
    });
    let arguments = ["-n", "6", "-c", "1", "--sources", "3"];
    assert_served(&run(&[&[server.address()], &arguments[..]].concat()));
    let mut addresses: Vec<_> = (0..6).map(|_| server.finish()).collect();
    addresses.sort_unstable();
    let each = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
    assert_eq!(addresses, each.map(|ip| [ip; 2]).concat());
}

#[test]
fn a_refusal_is_counted_by_its_text() {
    for refusal in [Refusal::ServerBusy, Refusal::StampNotCorrect] {
        let kind = format!("refused: {refusal}");
        assert_failures(FEW, &kind, move |mut client| {
            client.answer_request(format!("0:{refusal}\n"));
            client.rest();
        });
        assert_failures(FEW, &kind, move |mut client| {
            take_payment(&mut client);
            client.send(format!("0:{refusal}\n"));
            client.rest();
        });
    }
    assert_failures(FEW, r"refused: \x1b[2J\r\xff", |mut client| {
        client.answer_request(b"0:\x1b[2J\r\xff\n");
        client.rest();
    });
}

#[test]
fn a_refusal_that_comes_before_the_request_is_counted_by_its_text() {
    // With so many connections, some refusals arrive before the first turn of the load test.
    let load = ["-n", "400", "-c", "400"];
    let busy = Refusal::ServerBusy;
    assert_failures(&load, &format!("refused: {busy}"), move |mut client| {
        client.send(format!("0:{busy}\n"));
        client.rest();
    });
}

#[test]
fn an_early_close_is_counted() {
    assert_failures(FEW, "closed by the server", |mut client| {
        assert_eq!(client.line(), "1:\n");
        client.rest();
    });
    assert_failures(FEW, "closed by the server", |mut client| {
        take_payment(&mut client);
        client.rest();
    });
}

#[test]
fn every_handshake_fails_if_the_server_closes_at_once() {
    let server = FakeServer::start_for_many(drop);
    let outcome = run(&[server.address(), "-n", "100", "-c", "10"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(row(&outcome, "failures"), "100", "{outcome:?}");
    assert!(!outcome.text().contains("timeout"), "{outcome:?}");
}

#[test]
fn a_refused_connection_is_counted() {
    let (_taken, address) = taken_port();
    let outcome = run(&[&address.to_string(), "-n", "10", "-c", "2"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(
        row(&outcome, "connect: Connection refused (os error 111)"),
        "10"
    );
}

#[test]
fn an_unexpected_answer_is_counted() {
    assert_failures(FEW, "unexpected message", |mut client| {
        client.answer_request("HTTP/1.1 400 Bad Request\r\n");
        client.rest();
    });
    assert_failures(FEW, "bad puzzle: its version is not 1", |mut client| {
        client.answer_request(puzzle_line(4).replace("2:1:", "2:2:"));
        client.rest();
    });
    assert_failures(FEW, "line too long", |mut client| {
        client.answer_request([b'x'; 65_536]);
        client.rest();
    });
}

#[test]
fn a_server_that_never_answers_times_out() {
    let load = [FEW, &["--timeout", "100ms"]].concat();
    assert_failures(&load, "timeout", |mut client| {
        client.rest_while_open();
    });
}

#[test]
fn a_puzzle_that_is_too_hard_is_not_solved() {
    let server = FakeServer::start(|mut client| {
        client.answer_request(puzzle_line(64));
        client.rest_while_open();
    });
    let outcome = run(&[server.address(), "-n", "1"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(row(&outcome, "puzzle harder than 24 bits"), "1");
    server.finish();
    server.assert_no_further_connection();
}

#[test]
fn a_phase_without_success_has_no_figures() {
    let server = FakeServer::start_for_many(|mut client: Peer| {
        take_payment(&mut client);
        client.rest_while_open();
    });
    let outcome = run(&[server.address(), "-n", "1", "--timeout", "100ms"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(row(&outcome, "timeout"), "1");
    assert_eq!(row(&outcome, "closed latency p50"), "-");
    assert_eq!(row(&outcome, "handshakes a second"), "-");
}

#[test]
fn a_busy_answer_in_the_segment_of_the_puzzle_is_counted_as_such() {
    let busy = Refusal::ServerBusy;
    assert_failures(FEW, &format!("refused: {busy}"), move |mut client| {
        client.answer_request(format!("{}0:{busy}\n", puzzle_line(4)));
        client.rest();
    });
}

#[test]
fn handshakes_at_a_fixed_rate_have_rows_of_their_own() {
    let server = serve("paid", &["--bits", "4"]);
    let outcome = run(&[&server, "-n", "1", "--honest-rate", "20"]);
    assert_served(&outcome);
    assert_eq!(row(&outcome, "open rate a second"), "20");
    assert!(row(&outcome, "open latency p99").ends_with(" ms"));
    assert!(row(&outcome, "open unserved").ends_with(" %"));
}
