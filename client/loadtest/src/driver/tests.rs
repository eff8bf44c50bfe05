//! Tests of the driver against a server that the test plays.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use powtcp_server::protocol::proxy_header::{Version, encode};
use powtcp_testkit::PATIENCE;

use super::*;
use crate::attack::{ATTACKS, Manner};
use crate::honest::exchange::First;

const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const CLIENT: u64 = 7;
const PUZZLE: &[u8] = b"2:1:1:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n";
const LONG: Duration = Duration::from_secs(30);

fn target(listener: &TcpListener) -> Target {
    Target::new(listener.local_addr().unwrap(), false)
}

/// Returns a driver whose connections begin with a header, and what it connects to.
fn proxied() -> (Driver, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::new(listener.local_addr().unwrap(), true);
    (Driver::new(target, LONG).unwrap(), listener)
}

/// Accepts a connection, and expects that it begins with a header that names it, and with `first`. They
/// arrive in one segment.
fn accept_proxied(listener: &TcpListener, first: &[u8]) -> TcpStream {
    let (mut server, client) = listener.accept().unwrap();
    let header = encode(
        Version::V2,
        client.into(),
        Some(server.local_addr().unwrap()),
    );
    let expected = [&header, first].concat();
    let mut sent = vec![0; expected.len()];
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(server.read(&mut sent).unwrap(), expected.len());
    assert_eq!((client.ip(), sent), (SOURCE.into(), expected));
    server
}

/// Returns a driver with one exchange, and the server's end of its connection.
fn exchange(timeout: Duration) -> (Driver, TcpStream) {
    exchange_that_begins(First::Request, timeout, Instant::now())
}

fn exchange_that_begins(first: First, timeout: Duration, started: Instant) -> (Driver, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut driver = Driver::new(target(&listener), timeout).unwrap();
    let opened = driver.open(CLIENT, SOURCE, started, first).unwrap();
    assert!(opened.is_some());
    (driver, listener.accept().unwrap().0)
}

/// Takes turns until there is news, which must be the only one.
fn next_news(driver: &mut Driver) -> News {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let mut news = driver.turn(Some(end)).unwrap();
        assert!(news.len() < 2, "{news:?}");
        if let Some(only) = news.pop() {
            return only;
        }
    }
    panic!("no news")
}

fn puzzle(driver: &mut Driver) -> Id {
    match next_news(driver) {
        News::Puzzle { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

fn failure(driver: &mut Driver) -> String {
    match next_news(driver) {
        News::Failed { client, failure } if client == CLIENT => failure.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn excluded_time_counts_neither_for_the_latency_nor_for_the_timeout() {
    let (mut driver, mut server) = exchange(LONG);
    server.write_all(PUZZLE).unwrap();
    let id = puzzle(&mut driver);
    assert_eq!(driver.deadlines.len(), 0);
    driver.pay(id, b"stamp", 2 * LONG);
    let (deadline, _) = driver.deadlines.first().unwrap();
    assert!(*deadline > Instant::now() + LONG);
    server.write_all(b"4:paid\n").unwrap();
    let News::Served { client, latency } = next_news(&mut driver) else {
        panic!("no resource")
    };
    assert_eq!((client, latency), (CLIENT, Duration::ZERO));
    assert!(driver.is_done() && driver.deadlines.is_empty());
    let mut request = Vec::new();
    server.read_to_end(&mut request).unwrap();
    assert_eq!(request, b"1:\n3:stamp\n");
}

#[test]
fn a_message_that_arrives_together_with_the_puzzle_is_read_after_the_payment() {
    let (mut driver, mut server) = exchange(LONG);
    server.write_all(&[PUZZLE, b"0:no\n"].concat()).unwrap();
    let id = puzzle(&mut driver);
    driver.pay(id, b"stamp", Duration::ZERO);
    assert_eq!(failure(&mut driver), "refused: no");
    // The exchange is over, so this does nothing.
    driver.pay(id, b"stamp", Duration::ZERO);
    assert!(driver.is_done() && driver.deadlines.is_empty());
}

#[test]
fn an_exchange_without_an_answer_times_out() {
    let (mut driver, _server) = exchange(Duration::from_millis(50));
    assert_eq!(failure(&mut driver), "timeout");
    assert!(driver.is_done());
}

#[test]
fn a_silent_exchange_sends_nothing_before_it_is_told_to_ask() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut driver = Driver::new(target(&listener), LONG).unwrap();
    let id = driver.open_silent(SOURCE).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    driver.turn(Some(Instant::now())).unwrap();
    server.set_nonblocking(true).unwrap();
    let error = server.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    driver.ask(id);
    server.set_nonblocking(false).unwrap();
    let mut request = [0; 3];
    server.read_exact(&mut request).unwrap();
    assert_eq!(&request, b"1:\n");
    driver.close(id);
    assert!(driver.is_done() && driver.deadlines.is_empty());
}

#[test]
fn an_answer_after_the_deadline_is_a_timeout() {
    let due = Instant::now() - LONG;
    let (mut driver, mut server) = exchange_that_begins(First::Request, LONG / 2, due);
    // Both answers have arrived when the driver looks for the first time.
    server.write_all(&[PUZZLE, b"4:paid\n"].concat()).unwrap();
    let id = puzzle(&mut driver);
    driver.pay(id, b"stamp", Duration::ZERO);
    assert_eq!(failure(&mut driver), "timeout");
    assert!(driver.is_done() && driver.deadlines.is_empty());
}

#[test]
fn a_connection_can_begin_with_a_stamp() {
    let first = First::Stamp(b"stamp".to_vec());
    let (mut driver, mut server) = exchange_that_begins(first, LONG, Instant::now());
    server.write_all(b"4:paid\n").unwrap();
    let News::Served { client, .. } = next_news(&mut driver) else {
        panic!("no resource")
    };
    assert_eq!(client, CLIENT);
    let mut sent = Vec::new();
    server.read_to_end(&mut sent).unwrap();
    assert_eq!(sent, b"3:stamp\n");
}

#[test]
fn a_refusal_in_the_segment_of_the_puzzle_is_the_reason_although_the_server_has_reset() {
    let (mut driver, mut server) = exchange(LONG);
    let mut request = [0; 3];
    driver.turn(Some(Instant::now())).unwrap();
    server.read_exact(&mut request).unwrap();
    server
        .write_all(&[PUZZLE, b"0:server is busy\n"].concat())
        .unwrap();
    let id = puzzle(&mut driver);
    socket2::SockRef::from(&server)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(server);
    driver.pay(id, b"stamp", Duration::ZERO);
    assert_eq!(failure(&mut driver), "refused: server is busy");
}

#[test]
fn a_quiet_exchange_is_told_that_the_server_is_busy() {
    let (mut driver, mut server) = exchange_that_begins(First::Later, LONG, Instant::now());
    server.write_all(b"0:server is busy\n").unwrap();
    assert_eq!(failure(&mut driver), "refused: server is busy");
}

#[test]
fn a_header_comes_with_the_first_message_and_only_with_that() {
    for (first, message) in [
        (First::Request, &b"1:\n"[..]),
        (First::Stamp(b"stamp".to_vec()), b"3:stamp\n"),
    ] {
        let (mut driver, listener) = proxied();
        let opened = driver.open(CLIENT, SOURCE, Instant::now(), first);
        let id = opened.unwrap().unwrap();
        driver.turn(Some(Instant::now())).unwrap();
        let mut server = accept_proxied(&listener, message);
        driver.pay(id, b"more", Duration::ZERO);
        driver.close(id);
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"3:more\n");
    }
}

#[test]
fn a_silent_exchange_sends_its_header_at_once() {
    let (mut driver, listener) = proxied();
    let id = driver.open_silent(SOURCE).unwrap();
    driver.turn(Some(Instant::now())).unwrap();
    let mut server = accept_proxied(&listener, b"");
    driver.ask(id);
    driver.close(id);
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"1:\n");
}

#[test]
fn an_attacker_sends_its_header_before_the_bytes_of_its_attack() {
    // An RST may overtake what was sent before it.
    for attack in ATTACKS.iter().filter(|a| a.manner != Manner::Resets) {
        let (mut driver, listener) = proxied();
        driver.open_attacker(attack, SOURCE).unwrap();
        driver.turn(Some(Instant::now())).unwrap();
        accept_proxied(&listener, attack.first);
    }
}
