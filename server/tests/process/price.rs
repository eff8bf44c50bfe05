//! Guards a price that follows the load: it rises when stamps are served, never above its greatest, and not
//! because of requests alone.

use std::net::{IpAddr, Ipv4Addr};

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::gate::{CONNECTED, Gate, paid, relays};
use crate::support::page::Page;
use crate::support::server::{ServerProcess, command, field, outcome_of, serve};
use crate::support::solving::right_line;

/// Returns a client at 127.0.0.`host`.
fn client(server: &ServerProcess, host: u8) -> Client {
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
    Client::connect_from(source, server.address())
}

/// Returns the number in the field BITS of a puzzle.
fn bits(puzzle: &str) -> u32 {
    let bits = puzzle.split(':').nth(2).and_then(|bits| bits.parse().ok());
    bits.unwrap_or_else(|| panic!("{puzzle:?} is not a puzzle"))
}

#[test]
fn stamps_raise_the_price_up_to_its_greatest_and_requests_do_not() {
    for (dialect, greatest, unit) in [("hashcash", 8, 1), ("powtcp", 2, 4)] {
        let range = ["--bits", "4..8", "--target-rate", "1"];
        let own = ["--dialect", dialect, "--metrics", "127.0.0.1:0"];
        let mut server = serve(&[range, own].concat());
        let page = Page::of(&mut server);
        for _ in 0..100 {
            assert_eq!(bits(&client(&server, 1).puzzle()) * unit, 4);
        }
        assert_eq!(page.values()["powtcp_level_bits"], 4.0);
        for host in 1..=60 {
            let mut client = client(&server, host);
            let puzzle = client.puzzle();
            assert!(bits(&puzzle) <= greatest, "{puzzle}");
            client.pay(&puzzle);
        }
        let line = server.wait_for("difficulty changed");
        assert_eq!(field(&line, "before"), "4");
        assert!(bits(&client(&server, 99).puzzle()) * unit > 4);
        let values = page.values();
        let level = values["powtcp_level_bits"];
        assert!(level > 4.0 && level <= 8.0, "{level}");
        assert_eq!(values["powtcp_max_level"], 8.0);
    }
}

#[test]
fn a_range_of_one_number_is_a_fixed_price() {
    let outcome = outcome_of(command(&["--check", "--bits", "20..20"]));
    assert!(outcome.text().contains("bits=20\n"), "{outcome:?}");
}

#[test]
fn a_check_shows_the_range_and_the_target_rate() {
    let outcome = outcome_of(command(&["--check", "--bits", "18..26"]));
    let text = outcome.text();
    for line in ["bits=18..26", "target_rate=50"] {
        assert!(text.lines().any(|found| found == line), "no {line}: {text}");
    }
}

#[test]
fn wrong_ranges_and_rates_are_usage_errors() {
    let cases: [&[&str]; 6] = [
        &["--bits", "26..18"],
        &["--bits", "0..5"],
        &["--bits", "18..65"],
        &["--bits", "18..26", "--dialect", "powtcp"],
        &["--target-rate", "0"],
        &["--target-rate", "1000001"],
    ];
    for arguments in cases {
        let outcome = outcome_of(command(arguments));
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        let text = outcome.stderr_text();
        assert!(
            text.contains(arguments[0]) && text.contains(arguments[1]),
            "{text}"
        );
    }
}

#[test]
fn a_source_that_is_served_often_pays_a_surcharge_and_others_do_not() {
    let server = serve(&["--bits", "4..12", "--target-rate", "1000000"]);
    for _ in 0..120 {
        client(&server, 1).handshake();
    }
    let puzzle = client(&server, 1).puzzle();
    assert!(bits(&puzzle) > 4, "{puzzle}");
    assert_eq!(bits(&client(&server, 2).puzzle()), 4);
    // The fourth byte of RAND, in base64, is the level: 4.
    let rand = puzzle.rsplit(':').nth(1).expect("a puzzle");
    let level = &rand.as_bytes()[4..6];
    assert!(
        level[0] == b'B' && (b'A'..=b'P').contains(&level[1]),
        "{puzzle}"
    );
}

/// Starts a gate whose price follows the load.
fn gate() -> (Gate, Page) {
    let range = ["--bits", "4..8", "--target-rate", "1"];
    let mut gate = Gate::new(&[&range[..], &["--metrics", "127.0.0.1:0"]].concat());
    let page = Page::of(&mut gate.server);
    (gate, page)
}

#[test]
fn relays_raise_the_price_when_their_upstream_is_connected() {
    let (gate, page) = gate();
    let mut relays = Vec::new();
    for host in 1..=40 {
        let mut client = client(&gate.server, host);
        assert_eq!(paid(&mut client), CONNECTED);
        relays.push((client, gate.accept()));
    }
    assert!(page.values()["powtcp_level_bits"] > 4.0);
}

#[test]
fn a_stamp_that_is_good_again_raises_nothing_however_often_it_is_presented() {
    let (Gate { server, upstream }, page) = gate();
    drop(upstream);
    let line = right_line(&client(&server, 1).puzzle());
    for _ in 0..60 {
        let mut client = client(&server, 1);
        client.send(&line);
        assert_eq!(client.rest(), [refusal(Refusal::ServiceUnavailable)]);
    }
    let values = page.values();
    assert_eq!(values["powtcp_proven_hashes_per_second"], 0.0);
    assert_eq!(values["powtcp_level_bits"], 4.0);
}

#[test]
fn a_client_that_leaves_while_its_upstream_is_connected_has_paid() {
    // A Unix socket whose backlog is full keeps the client waiting.
    let scratch = Scratch::new();
    let path = scratch.path().join("upstream");
    let address = SockAddr::unix(&path).unwrap();
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let waiting = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    waiting.connect(&address).unwrap();
    let upstream = format!("unix:{}", path.display());
    let range = ["--bits", "4..8", "--target-rate", "1"];
    let own = ["--upstream", &upstream, "--metrics", "127.0.0.1:0"];
    let mut server = serve(&[range, own].concat());
    let page = Page::of(&mut server);
    let mut leaver = client(&server, 1);
    let line = right_line(&leaver.puzzle());
    leaver.send(&line);
    while relays(&page) != [1.0, 0.0] {}
    leaver.reset();
    assert!(server.wait_for("relay ended").contains("client reset"));
    assert!(page.values()["powtcp_proven_hashes_per_second"] > 0.0);
    let mut again = client(&server, 1);
    again.send(&line);
    assert_eq!(again.rest(), [refusal(Refusal::StampNotFound)]);
}
