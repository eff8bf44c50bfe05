//! Guards how relays end without their peers: idle, at a shutdown, and what is left behind.

use std::io::Write;

use crate::support::gate::{Gate, bytes, expect_reset, relays, reset, to_end};
use crate::support::page::Page;

#[test]
fn an_idle_relay_is_reset_on_both_sides() {
    let mut gate = Gate::new(&["--idle-timeout", "300ms"]);
    let (mut client, mut upstream) = gate.relay();
    assert!(client.bytes_to_end().is_err());
    expect_reset(&mut upstream);
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains(" ending=idle"), "{line}");
}

#[test]
fn a_half_closed_relay_has_the_same_idle_timeout() {
    let gate = Gate::new(&["--idle-timeout", "300ms"]);
    let (client, mut upstream) = gate.relay();
    client.finish_sending();
    assert_eq!(to_end(&mut upstream), b"");
    assert!(upstream_is_reset(&upstream));
    drop(client);
}

/// Writes until the connection is broken.
fn upstream_is_reset(upstream: &std::net::TcpStream) -> bool {
    use std::time::Instant;
    let start = Instant::now();
    while start.elapsed() < powtcp_testkit::PATIENCE {
        if let Ok(Some(_)) | Err(_) = upstream.take_error() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn a_relay_continues_in_a_shutdown_and_the_server_ends_with_it() {
    let gate = Gate::new(&["--shutdown-timeout", "1h"]);
    let (mut client, mut upstream) = gate.relay();
    gate.server.signal("TERM");
    client.send("still");
    assert_eq!(bytes(&mut upstream, 5), b"still");
    upstream.write_all(b"here").unwrap();
    drop(upstream);
    assert_eq!(client.bytes_to_end().unwrap(), b"here");
    drop(client);
    assert_eq!(gate.server.finish().status, Some(0));
}

#[test]
fn relays_are_reset_at_the_shutdown_timeout() {
    let gate = Gate::new(&["--shutdown-timeout", "300ms"]);
    let (mut client, mut upstream) = gate.relay();
    gate.server.signal("TERM");
    assert!(client.bytes_to_end().is_err());
    expect_reset(&mut upstream);
    let outcome = gate.server.finish();
    assert_eq!(outcome.status, Some(0));
    let log = outcome.stderr_text();
    assert!(log.contains(" ending=shutdown"), "{log}");
}

#[test]
fn gauges_and_descriptors_are_back_where_they_were_after_every_ending() {
    let mut gate = Gate::new(&["--metrics", "127.0.0.1:0", "--idle-timeout", "500ms"]);
    let page = Page::of(&mut gate.server);
    let before = page.values()["process_open_fds"];
    for ending in 0..5 {
        let (mut client, mut upstream) = gate.relay();
        match ending {
            0 => client.reset(),
            1 => reset(upstream),
            2 => {
                client.finish_sending();
                to_end(&mut upstream);
            }
            3 => {
                drop(upstream);
                assert_eq!(client.bytes_to_end().unwrap(), b"");
            }
            _ => assert!(client.bytes_to_end().is_err()),
        }
        gate.server.wait_for("relay ended");
        assert_eq!(relays(&page), [0.0, 0.0], "ending {ending}");
        // An earlier visit of the page may not be closed yet.
        let is_as_before = |_| page.values()["process_open_fds"] == before;
        assert!((0..100).any(is_as_before), "ending {ending}");
    }
}
