//! Guards the streams of a relay: bytes arrive once and in order, and an end or a reset of one side is passed
//! on as what it is.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use crate::support::gate::{CONNECTED, Gate, bytes, expect_reset, reset, to_end};
use crate::support::solving::right_line;

const MEGABYTES: usize = 16;

/// Returns bytes in which no two places look alike.
fn noise(mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    (0..MEGABYTES << 17).flat_map(|_| next()).collect()
}

#[test]
fn early_data_in_the_segment_of_the_stamp_and_later_bytes_reach_the_upstream() {
    let gate = Gate::new(&[]);
    let mut client = gate.client();
    let line = right_line(&client.puzzle());
    client.send(line + "HELLO");
    assert_eq!(client.line(), CONNECTED);
    let mut upstream = gate.accept();
    client.send(" WORLD\n1:\n");
    assert_eq!(bytes(&mut upstream, 14), b"HELLO WORLD\n1:");
    upstream.write_all(b"answer").unwrap();
    assert_eq!(client.bytes(6), b"answer");
}

#[test]
fn every_cut_of_the_stamp_line_and_early_data_gives_the_same_bytes() {
    let gate = Gate::new(&[]);
    let mut cut = 1;
    loop {
        let mut client = gate.client();
        let text = right_line(&client.puzzle()) + "early";
        if cut == text.len() {
            break;
        }
        client.send(&text[..cut]);
        client.send(&text[cut..]);
        assert_eq!(client.line(), CONNECTED, "cut at {cut}");
        client.finish_sending();
        assert_eq!(to_end(&mut gate.accept()), b"early", "cut at {cut}");
        cut += 1;
    }
}

#[test]
fn connected_comes_before_the_bytes_of_the_upstream() {
    let gate = Gate::new(&[]);
    let mut client = gate.client();
    let line = right_line(&client.puzzle());
    client.send(line);
    let mut upstream = gate.accept();
    upstream.write_all(b"SSH-2.0\r\n").unwrap();
    drop(upstream);
    client.finish_sending();
    assert_eq!(client.rest(), [CONNECTED, "SSH-2.0"]);
}

#[test]
fn a_client_that_ends_its_stream_still_gets_the_answer() {
    let mut gate = Gate::new(&[]);
    let (mut client, mut upstream) = gate.relay();
    client.send("question");
    client.finish_sending();
    assert_eq!(to_end(&mut upstream), b"question");
    upstream.write_all(b"the answer").unwrap();
    drop(upstream);
    assert_eq!(client.bytes_to_end().unwrap(), b"the answer");
    let line = gate.server.wait_for("relay ended");
    for part in [
        " bytes_up=8 ",
        " bytes_down=10 ",
        " ending=\"client closed\"",
    ] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn an_upstream_that_ends_its_stream_still_gets_bytes() {
    let mut gate = Gate::new(&[]);
    let (mut client, mut upstream) = gate.relay();
    upstream.write_all(b"banner").unwrap();
    upstream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.bytes_to_end().unwrap(), b"banner");
    client.send("late");
    client.finish_sending();
    assert_eq!(to_end(&mut upstream), b"late");
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains(" ending=\"upstream closed\""), "{line}");
}

#[test]
fn an_upstream_that_closed_in_order_and_takes_no_more_is_no_reset() {
    let mut gate = Gate::new(&[]);
    let (mut client, mut upstream) = gate.relay();
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(client.bytes_to_end().unwrap(), b"answer");
    client.send("too late");
    // The RST that this caused has arrived by the time that the gate answers another client.
    gate.client().puzzle();
    client.finish_sending();
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains(" ending=\"upstream closed\""), "{line}");
}

#[test]
fn a_reset_of_the_client_resets_the_upstream() {
    let mut gate = Gate::new(&[]);
    let (client, mut upstream) = gate.relay();
    client.reset();
    expect_reset(&mut upstream);
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains(" ending=\"client reset\""), "{line}");
}

#[test]
fn a_reset_of_the_upstream_resets_the_client() {
    let mut gate = Gate::new(&[]);
    let (mut client, upstream) = gate.relay();
    reset(upstream);
    assert!(client.bytes_to_end().is_err());
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains(" ending=\"upstream reset\""), "{line}");
}

#[test]
fn random_bytes_pass_both_ways_at_once() {
    let gate = Gate::new(&[]);
    let (mut client, mut upstream) = gate.relay();
    let (up, down) = (noise(1), noise(2));
    let mut client_writer = client.second_handle();
    let mut upstream_writer = upstream.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            client_writer.write_all(&up).unwrap();
            client_writer.shutdown(Shutdown::Write).unwrap();
        });
        scope.spawn(|| {
            upstream_writer.write_all(&down).unwrap();
            upstream_writer.shutdown(Shutdown::Write).unwrap();
        });
        let at_upstream = scope.spawn(move || {
            let mut bytes = Vec::new();
            upstream.read_to_end(&mut bytes).map(|_| bytes)
        });
        assert!(client.bytes_to_end().unwrap() == down, "bytes differ");
        assert!(at_upstream.join().unwrap().unwrap() == up, "bytes differ");
    });
}

#[test]
fn urgent_data_does_not_stop_a_stream() {
    let gate = Gate::new(&[]);
    let (mut client, mut upstream) = gate.relay();
    // While the gate is stopped, all of this arrives as one.
    gate.server.signal("STOP");
    client.send("before");
    client.send_urgent(b'!');
    client.send("after");
    gate.server.signal("CONT");
    assert_eq!(bytes(&mut upstream, 11), b"beforeafter");
}

#[test]
fn an_upstream_that_resets_after_its_end_resets_the_client_once_the_answer_is_delivered() {
    let mut gate = Gate::new(&[]);
    let (mut client, mut upstream) = gate.relay();
    upstream.write_all(b"answer").unwrap();
    upstream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.bytes_to_end().unwrap(), b"answer");
    reset(upstream);
    let line = gate.server.wait_for("relay ended");
    assert!(line.contains("ending=\"upstream reset\""), "{line}");
    assert!(client.try_send("x").is_err());
}

#[test]
fn an_upstream_that_answers_and_closes_at_once_is_heard_to_its_end() {
    const TIMES: usize = 100;
    let gate = Gate::new(&[]);
    let upstream = gate.upstream.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..TIMES {
                let (mut stream, _) = upstream.accept().unwrap();
                stream.write_all(b"no place\n").unwrap();
            }
        });
        let mut clients: Vec<_> = (0..TIMES).map(|_| gate.client()).collect();
        let lines: Vec<_> = clients
            .iter_mut()
            .map(|client| right_line(&client.puzzle()))
            .collect();
        // The gate connects all of them in one turn, and finds most answers and ends together.
        gate.server.signal("STOP");
        for (client, line) in clients.iter_mut().zip(lines) {
            client.send(line);
        }
        gate.server.signal("CONT");
        for mut client in clients {
            assert_eq!(client.rest(), [CONNECTED, "no place"]);
        }
    });
}
