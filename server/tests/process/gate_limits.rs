//! Guards the places for relays: a client that would get none is told so before it pays, or keeps its stamp.

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::gate::{CONNECTED, Gate, paid, relays};
use crate::support::page::Page;
use crate::support::server::{command, outcome_of};
use crate::support::solving::right_line;

fn busy() -> String {
    refusal(Refusal::ServerBusy)
}

#[test]
fn no_puzzle_is_sold_while_all_relays_are_open() {
    let mut gate = Gate::new(&["--max-relays", "1"]);
    let (client, upstream) = gate.relay();
    let mut other = gate.client();
    other.send("1:\n");
    assert_eq!(other.rest(), [busy()]);
    client.reset();
    drop(upstream);
    gate.server.wait_for("relay ended");
    assert_eq!(paid(&mut gate.client()), CONNECTED);
}

#[test]
fn a_stamp_that_lost_the_last_place_is_not_spent() {
    let mut gate = Gate::new(&["--max-relays", "1"]);
    let mut late = gate.client();
    let line = right_line(&late.puzzle());
    let (client, _upstream) = gate.relay();
    late.send(&line);
    assert_eq!(late.rest(), [busy()]);
    client.reset();
    gate.server.wait_for("relay ended");
    let mut again = gate.client();
    again.send(&line);
    assert_eq!(again.line(), CONNECTED);
}

#[test]
fn one_source_gets_its_part_of_the_relays() {
    let gate = Gate::new(&["--max-relays-per-ip", "1"]);
    let (_client, _upstream) = gate.relay();
    let mut same = gate.client();
    same.send("1:\n");
    assert_eq!(same.rest(), [busy()]);
    let source = "127.0.0.2".parse().unwrap();
    let mut other = Client::connect_from(source, gate.server.address());
    assert_eq!(paid(&mut other), CONNECTED);
}

#[test]
fn relays_count_as_connections_of_their_source() {
    let gate = Gate::new(&["--max-connections-per-ip", "1"]);
    let (_client, _upstream) = gate.relay();
    assert_eq!(gate.client().rest(), [busy()]);
}

#[test]
fn a_slot_is_free_once_its_client_has_paid() {
    let mut gate = Gate::new(&["--max-connections", "1", "--metrics", "127.0.0.1:0"]);
    let page = Page::of(&mut gate.server);
    let _first = gate.relay();
    let _second = gate.relay();
    assert_eq!(relays(&page), [0.0, 2.0]);
}

#[test]
fn a_check_shows_the_settings_of_a_gate() {
    let outcome = outcome_of(command(&["--check", "--upstream", "127.0.0.1:22"]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let text = outcome.text();
    for line in [
        "upstream=127.0.0.1:22",
        "connect_timeout=5s",
        "idle_timeout=1h",
        "max_relays=10000",
        "max_relays_per_ip=1250",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line}: {text}");
    }
}

#[test]
fn an_upstream_that_cannot_be_connected_to_is_a_usage_error() {
    for upstream in [":22", "127.0.0.1", "127.0.0.1:0", "unix:", "/run/x"] {
        let outcome = outcome_of(command(&["--upstream", upstream]));
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr_text().contains("--upstream"), "{outcome:?}");
    }
}
