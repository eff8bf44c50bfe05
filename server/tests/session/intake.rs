//! Guards the end of the intake: connections that wait for admission are told that the server is
//! shutting down, and none is reset.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mio::Poll;
use powtcp_common::hashcash::Dialect;
use powtcp_common::log_line::{Format, Level};
use powtcp_common::refusal::Refusal;
use powtcp_server::net::acceptor::PortUse;
use powtcp_server::net::acceptors::Acceptors;
use powtcp_server::net::connections::Connections;
use powtcp_server::net::intake::Intake;
use powtcp_server::net::shared::Shared;
use powtcp_server::telemetry::log::Log;
use powtcp_server::telemetry::metrics::Outcome;

use crate::support::answers::refusal;
use crate::support::fairness::{Bounds, WhenFull};
use crate::support::rules::{fixed, mint, rules};
use crate::support::subject::{Resources, at};

#[test]
fn newcomers_in_the_queue_and_in_the_backlog_are_told_of_the_shutdown() {
    const QUEUE: usize = 100;
    const CLIENTS: usize = 180;
    let poll = Poll::new().unwrap();
    let registry = poll.registry().try_clone().unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (acceptors, _) = Acceptors::bind(&[any], PortUse::Exclusive, &registry).unwrap();
    let mut intake = Intake::new(acceptors, QUEUE);
    let address = intake.local_addrs()[0];
    let mut connections = Connections::new(Bounds {
        connections: CLIENTS,
        per_source: 0,
        when_full: WhenFull::Evict,
    });
    let log = Log::start(Level::Error, Format::Text).unwrap();
    let mut shared = Shared::new(
        rules(Dialect::Hashcash),
        mint(),
        fixed(8),
        Resources::built_in(),
        log,
        registry,
    );
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(b"1:\n").unwrap();
            client
        })
        .collect();

    let now = at(Duration::ZERO);
    intake.wake(0);
    intake.take_in(&mut connections, &mut shared, now).unwrap();
    let admitted = connections.len();
    assert_eq!(intake.waiting(), QUEUE - admitted);
    assert!(intake.shut(&mut connections, &mut shared, now));
    assert!(!intake.shut(&mut connections, &mut shared, now));

    assert_eq!((intake.waiting(), intake.is_shut()), (0, true));
    assert_eq!(connections.len(), admitted);
    assert_eq!(shared.metrics.accepted, CLIENTS as u64);
    let turned_away = (CLIENTS - admitted) as u64;
    assert_eq!(shared.metrics.outcomes(Outcome::TurnedAway), turned_away);
    for client in &mut clients[admitted..] {
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("no reset");
        assert_eq!(answer, refusal(Refusal::ShuttingDown) + "\n");
    }
}
