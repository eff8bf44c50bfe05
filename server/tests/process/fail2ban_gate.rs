//! Guards that the fail2ban filter counts no ending of a relay, with the log of a real gate.

use std::net::{IpAddr, Ipv4Addr, TcpStream};

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::fail2ban::found;
use crate::support::gate::{CONNECTED, Gate, expect_reset, paid, reset, to_end};
use crate::support::solving::wrong_line;

/// Returns an address that no other client of a test has.
fn source(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

/// Opens a relay for a client from `source`, lets `end` end it, and expects the line that says so.
#[track_caller]
fn end_relay(gate: &mut Gate, last: u8, ending: &str, end: impl FnOnce(Client, TcpStream)) {
    let mut client = Client::connect_from(source(last), gate.server.address());
    assert_eq!(paid(&mut client), CONNECTED);
    let upstream = gate.accept();
    end(client, upstream);
    expect_ending(gate, ending);
}

#[track_caller]
fn expect_ending(gate: &mut Gate, ending: &str) {
    let line = gate.server.wait_for("relay ended");
    let whole = [format!(" ending={ending}"), format!(" ending=\"{ending}\"")];
    assert!(whole.iter().any(|end| line.ends_with(end)), "{line}");
}

#[test]
fn a_wrong_stamp_counts_and_no_ending_of_a_relay_does() {
    let mut gate = Gate::new(&["--shutdown-timeout", "100ms"]);
    end_relay(&mut gate, 2, "client closed", |client, mut upstream| {
        client.finish_sending();
        assert_eq!(to_end(&mut upstream), b"");
    });
    end_relay(&mut gate, 3, "upstream closed", |mut client, upstream| {
        drop(upstream);
        assert!(client.rest().is_empty());
    });
    end_relay(&mut gate, 4, "client reset", |client, mut upstream| {
        client.reset();
        expect_reset(&mut upstream);
    });
    end_relay(&mut gate, 5, "upstream reset", |mut client, upstream| {
        reset(upstream);
        assert!(client.bytes_to_end().is_err());
    });
    let mut cheat = Client::connect_from(source(6), gate.server.address());
    let wrong = wrong_line(&cheat.puzzle());
    cheat.send(wrong);
    assert_eq!(cheat.rest(), [refusal(Refusal::StampNotCorrect)]);

    let mut client = Client::connect_from(source(7), gate.server.address());
    assert_eq!(paid(&mut client), CONNECTED);
    gate.server.signal("TERM");
    assert!(client.bytes_to_end().is_err());
    expect_ending(&mut gate, "shutdown");
    let mut log = gate.server.finish().stderr;

    let mut gate = Gate::new(&["--idle-timeout", "100ms"]);
    end_relay(&mut gate, 8, "idle", |mut client, _upstream| {
        assert!(client.bytes_to_end().is_err());
    });
    let Gate { server, upstream } = gate;
    // Nothing listens on its port now.
    drop(upstream);
    let mut client = Client::connect_from(source(9), server.address());
    let unavailable = refusal(Refusal::ServiceUnavailable);
    assert_eq!(paid(&mut client), unavailable);
    let lines = server.stop().expect("a server that ends").stderr;
    let refused = |line: &String| line.contains(" ending=\"upstream refused\"");
    assert!(lines.iter().any(refused), "{lines:#?}");
    log.extend(lines);

    for mode in ["normal", "aggressive"] {
        if let Some(found) = found(&log, mode) {
            assert_eq!(found, [source(6).to_string()], "{mode}: {log:#?}");
        }
    }
}
