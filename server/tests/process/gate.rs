//! Guards the gate: who is relayed, and that bytes arrive.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::page::Page;
use crate::support::server::{command, field, outcome_of};
use crate::support::solving::right_line;
use crate::support::upstream::{CONNECTED, Service, gate, paid, paid_with, socket_path};

const ENDED: &str = "relay ended";

#[test]
fn early_bytes_reach_the_upstream_at_every_cut_of_the_stamp() {
    let service = Service::new();
    let gate = service.gate(&[]);
    for cut in (0..80).step_by(9) {
        let mut client = Client::connect(gate.address());
        let puzzle = client.puzzle();
        let bytes = right_line(&puzzle) + "early\n";
        let (start, end) = bytes.split_at(cut);
        client.send(start);
        client.send(end);
        client.send("later\n");
        let mut upstream = service.accept();
        assert_eq!(upstream.line(), "early");
        assert_eq!(upstream.line(), "later");
        upstream.send("answer\n");
        assert_eq!(client.line(), CONNECTED);
        assert_eq!(client.line(), "answer");
    }
}

#[test]
fn nothing_is_connected_before_a_right_stamp() {
    let service = Service::new();
    let gate = service.gate(&[]);
    let mut client = Client::connect(gate.address());
    client.puzzle();
    client.send("3:wrong\n");
    assert_eq!(client.rest(), [refusal(Refusal::StampNotCorrect)]);
    service.assert_no_connection();
}

#[test]
fn each_end_of_a_stream_is_passed_on_and_the_other_direction_continues() {
    let service = Service::new();
    let mut gate = service.gate(&[]);
    let mut client = paid_with(&gate, "question\n");
    let mut upstream = service.accept();
    client.finish_sending();
    assert_eq!(upstream.rest(), ["question"]);
    upstream.send("an answer after the end\n");
    upstream.finish_sending();
    assert_eq!(client.rest(), [CONNECTED, "an answer after the end"]);
    let line = gate.wait_for(ENDED);
    assert!(line.ends_with("ending=\"client closed\""), "{line}");
    assert_eq!(
        (field(&line, "bytes_up"), field(&line, "bytes_down")),
        ("9", "24")
    );

    let mut client = paid(&gate);
    let mut upstream = service.accept();
    upstream.send("banner\n");
    upstream.finish_sending();
    assert_eq!(client.rest(), [CONNECTED, "banner"]);
    client.send("to the end\n");
    client.finish_sending();
    assert_eq!(upstream.rest(), ["to the end"]);
    let line = gate.wait_for(ENDED);
    assert!(line.ends_with("ending=\"upstream closed\""), "{line}");
}

#[test]
fn a_large_stream_arrives_whole_in_both_directions_at_once() {
    const LEN: usize = 8 << 20;
    let service = Service::new();
    let gate = service.gate(&[]);
    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    let upstream = service.accept();
    let pattern = |seed: u64| -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            // A linear congruential generator (Knuth, MMIX).
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 56) as u8
        };
        (0..LEN).map(|_| next()).collect()
    };
    let ends = [(client, 1), (upstream, 2)].map(|(end, seed)| {
        let mut writer = end.second_handle();
        let mut reader = end.second_handle();
        let sent = pattern(seed);
        let expected = pattern(3 - seed);
        let writing = thread::spawn(move || {
            writer.write_all(&sent).unwrap();
            writer.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let reading = thread::spawn(move || {
            let mut received = Vec::new();
            reader.read_to_end(&mut received).unwrap();
            assert!(received == expected, "the bytes of the other side");
        });
        (end, writing, reading)
    });
    for (_, writing, reading) in ends {
        writing.join().unwrap();
        reading.join().unwrap();
    }
}

#[test]
fn urgent_data_does_not_stop_a_stream() {
    let service = Service::new();
    let gate = service.gate(&[]);
    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    let mut upstream = service.accept();
    // While the gate is stopped, all of this arrives as one.
    gate.signal("STOP");
    client.send("before\n");
    client.send_urgent(b'!');
    client.send("after\n");
    gate.signal("CONT");
    assert_eq!([upstream.line(), upstream.line()], ["before", "after"]);
}

#[test]
fn a_unix_socket_is_an_upstream_too() {
    let scratch = Scratch::new();
    let path = socket_path(&scratch);
    let listener = UnixListener::bind(&path).unwrap();
    let gate = gate(&format!("unix:{path}"), &[]);
    let mut client = paid_with(&gate, "hello");
    client.finish_sending();
    let (mut upstream, _) = listener.accept().unwrap();
    let mut received = String::new();
    upstream.read_to_string(&mut received).unwrap();
    assert_eq!(received, "hello");
    upstream.write_all(b"bye\n").unwrap();
    drop(upstream);
    assert_eq!(client.rest(), [CONNECTED, "bye"]);
}

#[test]
fn a_client_that_has_paid_leaves_its_slot() {
    let service = Service::new();
    let gate = service.gate(&["--max-connections", "1", "--when-full", "refuse"]);
    let mut relays: Vec<_> = (0..3).map(|_| (paid(&gate), service.accept())).collect();
    for (client, upstream) in &mut relays {
        upstream.send("open\n");
        assert_eq!([client.line(), client.line()], [CONNECTED, "open"]);
    }
}

#[test]
fn the_limits_on_relays_are_told_before_a_client_pays() {
    let service = Service::new();
    let busy = refusal(Refusal::ServerBusy);
    for limit in [["--max-relays", "1"], ["--max-relays-per-ip", "1"]] {
        let gate = service.gate(&limit);
        let mut late = Client::connect(gate.address());
        let puzzle = late.puzzle();
        let mut holder = paid(&gate);
        assert_eq!(holder.line(), CONNECTED);
        let mut newcomer = Client::connect(gate.address());
        newcomer.send("1:\n");
        assert_eq!(newcomer.rest(), [busy.as_str()], "{limit:?}");
        let stamp = right_line(&puzzle);
        late.send(&stamp);
        assert_eq!(late.rest(), [busy.as_str()]);

        // Its stamp was not spent.
        let upstream = service.accept();
        drop((holder, upstream));
        let again = retry_stamp(&gate, &stamp);
        assert_eq!(again, CONNECTED);
        drop(service.accept());
    }
}

/// Presents a stamp on new connections as long as the gate is busy, and returns the other answer.
fn retry_stamp(gate: &powtcp_testkit::server::ServerProcess, stamp: &str) -> String {
    loop {
        let mut client = Client::connect(gate.address());
        client.send(stamp);
        let line = client.line();
        if line != refusal(Refusal::ServerBusy) {
            return line;
        }
    }
}

#[test]
fn relays_count_as_connections_of_their_source() {
    let service = Service::new();
    let gate = service.gate(&["--max-connections-per-ip", "1"]);
    let mut client = paid(&gate);
    assert_eq!(client.line(), CONNECTED);
    let refused = Client::connect(gate.address()).rest();
    assert_eq!(refused, [refusal(Refusal::ServerBusy)]);
}

#[test]
fn gauges_and_counters_balance_after_relays() {
    let service = Service::new();
    let mut gate = service.gate(&["--metrics", "127.0.0.1:0"]);
    let page = Page::of(&mut gate);
    let mut client = paid_with(&gate, "12345");
    assert_eq!(client.line(), CONNECTED);
    let mut upstream = service.accept();
    let value = |name: &str| page.values()[name];
    assert_eq!(value("powtcp_relays{state=\"open\"}"), 1.0);
    upstream.send("123\n");
    assert_eq!(client.line(), "123");
    upstream.finish_sending();
    client.finish_sending();
    gate.wait_for(ENDED);
    assert_eq!(value("powtcp_relays{state=\"open\"}"), 0.0);
    assert_eq!(
        value("powtcp_relays_total{ending=\"upstream_closed\"}"),
        1.0
    );
    assert_eq!(
        value("powtcp_relayed_bytes_total{direction=\"to_upstream\"}"),
        5.0
    );
    assert_eq!(
        value("powtcp_relayed_bytes_total{direction=\"to_client\"}"),
        4.0
    );
    assert_eq!(value("powtcp_upstream_connect_seconds_count"), 1.0);
    assert_eq!(value("powtcp_connections_total{outcome=\"relayed\"}"), 1.0);
}

#[test]
fn a_wrong_upstream_is_wrong_usage() {
    for upstream in ["", "22", ":22", "127.0.0.1:0", "unix:"] {
        let outcome = outcome_of(command(&["--check", "--upstream", upstream]));
        assert_eq!(outcome.status, Some(2), "{upstream} {outcome:?}");
        assert!(outcome.stderr[0].contains("--upstream"), "{outcome:?}");
    }
    let outcome = outcome_of(command(&["--check", "--upstream", "localhost:22"]));
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(
        outcome.text().contains("\nupstream=localhost:22\n"),
        "{outcome:?}"
    );
}
