//! The real sessions, with one mint and one pricing: bytes in, replies out. Their clients really solve their
//! puzzles, at small difficulties; how long that takes in the world is drawn as for others.

use std::net::{IpAddr, SocketAddr};

use powtcp_common::hashcash::Difficulty;
use powtcp_server::admission::{Price, Pricing};
use powtcp_server::protocol::{Mint, Payment, Reply, Rules, Sale, Service, Session};
use powtcp_server::time::Moment;

use super::server::{Setup, TTL};
use crate::support::rules::{mint, rules};
use crate::support::stamps::stamp;

/// A connection that has got its puzzle.
struct Asked {
    session: Session,
    price: Price,
    /// The text of the puzzle before its counter.
    prefix: String,
}

pub(crate) struct Sessions {
    rules: Rules,
    mint: Mint,
    pricing: Pricing,
    is_gate: bool,
    asked: Vec<Asked>,
}

impl Sessions {
    pub(crate) fn new(setup: &Setup, key: u64) -> Self {
        Self {
            rules: Rules {
                ttl: TTL,
                ..rules(setup.dialect)
            },
            mint: mint(),
            pricing: setup.pricing(key),
            is_gate: setup.relays.is_some(),
            asked: Vec::new(),
        }
    }

    pub(crate) fn level(&self, free_share: f64, now: Moment) -> Difficulty {
        self.pricing.level(free_share, now)
    }

    /// Requests a puzzle on a new connection. Returns its number and price.
    pub(crate) fn ask(&mut self, address: IpAddr, free_share: f64, now: Moment) -> (usize, Price) {
        let number = self.asked.len();
        // Ports from 1 on: the place of a connection among those of all clients.
        let port = 1 + (number % 65_535) as u16;
        let mut session = self.connect(address, port, now);
        let reply = self.send(&mut session, "1:\n", free_share, now);
        let Some(Reply::Puzzle(puzzle, price)) = reply else {
            panic!("{reply:?} is not a puzzle");
        };
        let text = puzzle.to_string();
        self.asked.push(Asked {
            session,
            price,
            prefix: text.trim_end_matches("MA==").to_string(),
        });
        (number, price)
    }

    /// Presents a stamp: that of every other puzzle on the connection that got it, if that is open. Returns
    /// whether the stamp is accepted. In a gate it counts if the upstream has connected, or if the client has
    /// left before, and is good again otherwise.
    pub(crate) fn present(
        &mut self,
        number: usize,
        free_share: f64,
        has_connected: bool,
        now: Moment,
    ) -> bool {
        self.mint.on_deadlines_acted(now);
        let Asked {
            session,
            price,
            prefix,
        } = &self.asked[number];
        let (client, price) = (session.client(), *price);
        let line = format!("3:{}\n", stamp(prefix, true, price.difficulty));
        let other = self.connect(client.ip(), 0, now);
        let mut session = std::mem::replace(&mut self.asked[number].session, other);
        session.on_deadline(now);
        if number % 2 == 1 || session.end().is_some() {
            session = self.connect(client.ip(), 0, now);
        }
        let payment = match self.send(&mut session, &line, free_share, now) {
            Some(Reply::Resource(payment)) => payment,
            Some(Reply::Paid(payment)) => {
                self.connect_upstream(&payment, client.ip(), free_share, has_connected, now);
                payment
            }
            Some(Reply::Refusal { .. }) => return false,
            reply => panic!("{reply:?} answers no stamp"),
        };
        assert_eq!(payment.price, price, "the stamp says another price");
        true
    }

    /// Does what the relays of a gate do with a payment.
    fn connect_upstream(
        &mut self,
        payment: &Payment,
        address: IpAddr,
        free_share: f64,
        has_connected: bool,
        now: Moment,
    ) {
        if has_connected {
            let level = payment.price.level;
            self.pricing.served(address.into(), level, free_share, now);
        } else {
            self.mint.unspend(payment);
        }
    }

    fn connect(&self, address: IpAddr, port: u16, now: Moment) -> Session {
        let client = SocketAddr::new(address, port);
        Session::new(client.into(), &self.rules, now)
    }

    fn send<'a>(
        &mut self,
        session: &mut Session,
        line: &'a str,
        free_share: f64,
        now: Moment,
    ) -> Option<Reply<'a>> {
        let service = if self.is_gate {
            Service::Relay {
                is_full: free_share <= 0.0,
                free_share,
            }
        } else {
            Service::Resource
        };
        let mut sale = Sale {
            rules: &self.rules,
            service,
            mint: &mut self.mint,
            pricing: &mut self.pricing,
        };
        session.next_reply(&mut line.as_bytes(), now, &mut sale)
    }
}
