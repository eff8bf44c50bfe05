//! The server's tables of connections and relays, their clients, and the services behind.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use mio::Poll;
use powtcp_common::hashcash::Dialect;
use powtcp_common::log_line::{Format, Level};
use powtcp_server::admission::{Fare, Pricing, RelayLimits};
use powtcp_server::net::connection::Readiness;
use powtcp_server::net::connections::Connections;
use powtcp_server::net::shared::Shared;
use powtcp_server::net::token::Token;
use powtcp_server::relay::{Ending, Gate, Relays};
use powtcp_server::resources::Resources;
use powtcp_server::telemetry::log::Log;
use powtcp_server::time::Now;

use super::client::Client;
use super::link::{Air, Link, Phase};
use super::peer::Peer;
use super::socket::LinkSocket;
use super::upstream::{Attempt, Mood, VirtualUpstream};
use crate::actor::difficulty;
use crate::random::Random;
use crate::support::fairness::{Bounds, WhenFull};
use crate::support::rules::{mint, rules};
use crate::support::subject::at;

/// A service that was dialed.
pub(crate) struct Service {
    pub(crate) peer: Peer,
    pub(crate) mood: Mood,
    /// When it accepts or refuses.
    pub(super) answers_at: Option<Duration>,
}

/// The tables under test and what surrounds them.
pub(crate) struct World {
    pub(crate) connections: Connections<LinkSocket>,
    pub(crate) relays: Relays<LinkSocket, VirtualUpstream>,
    pub(crate) shared: Shared,
    pub(crate) air: Rc<Air>,
    pub(super) attempts: Rc<RefCell<Vec<Attempt>>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) services: Vec<Service>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) addresses: usize,
    pub(crate) is_shutting_down: bool,
    /// Turns that have moved nothing although relays were busy, and the bytes that were moved by then.
    pub(super) idle_turns: (u32, usize),
    pub(crate) random: Random,
}

impl World {
    /// Creates a world without clients.
    pub(crate) fn new(mut random: Random) -> Self {
        let air = Rc::new(Air::default());
        let addresses = random.below(4);
        let upstream = VirtualUpstream::new(addresses, &air, random.next());
        let attempts = upstream.attempts.clone();
        let connect_timeout = Duration::from_millis(random.pick(&[100, 500, 2_000]));
        let idle_timeout = Duration::from_millis(random.pick(&[0, 400, 5_000]));
        let mut rules = rules(Dialect::Hashcash);
        rules.ttl = Duration::from_secs(86_400);
        // Sockets register here, but nothing polls.
        let poll = Poll::new().expect("a poll");
        let registry = poll.registry().try_clone().expect("a descriptor");
        let log = Log::start(Level::Error, Format::Text).expect("a thread");
        let mut shared = Shared::new(
            rules,
            mint(),
            Pricing::Fixed(difficulty()),
            Resources::built_in(),
            log,
            registry,
        );
        let per_source = random.pick(&[0, 3, 8]);
        shared.relay_limits = Some(RelayLimits::new(4 + random.below(40), per_source));
        let bounds = Bounds {
            connections: 1_000,
            per_source: 0,
            when_full: WhenFull::Evict,
        };
        Self {
            connections: Connections::new(bounds),
            relays: Relays::new(
                Gate {
                    upstream,
                    connect_timeout,
                    idle_timeout,
                    send_proxy: None,
                },
                0,
            ),
            shared,
            air,
            attempts,
            clients: Vec::new(),
            services: Vec::new(),
            connect_timeout,
            idle_timeout,
            addresses: addresses.max(1),
            is_shutting_down: false,
            idle_turns: (0, 0),
            random,
        }
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Duration {
        self.air.now.get()
    }

    /// Lets `newcomers` clients connect, and gives the last of them some time.
    pub(crate) fn run(&mut self, newcomers: usize) {
        let mut arrival = self.now();
        for _ in 0..newcomers {
            arrival += self.random.within(200);
            self.run_until(arrival);
            self.connect();
        }
        let patience = self.random.pick(&[0, 2_000, 20_000]);
        let end = self.now() + self.random.within(patience + 1);
        self.run_until(end);
    }

    /// Shuts the server down, first with a timeout and then at once.
    pub(crate) fn shut_down(&mut self) {
        let now = self.server_now();
        self.step(|world| world.connections.begin_shutdown(&mut world.shared, now));
        let end = self.now() + self.random.within(2_000);
        self.run_until(end);
        self.is_shutting_down = true;
        let now = self.server_now();
        self.step(|world| world.connections.end_shutdown(&mut world.shared, now));
        self.step(|world| world.take_turn());
        let [connecting, _] = self.relays.counts();
        self.step(|world| {
            let (connections, shared) = (&mut world.connections, &mut world.shared);
            world.relays.shut_down(connections, shared, now);
        });
        self.check_returned(connecting);
        // All that is on its way arrives.
        for client in &self.clients {
            client.peer.link.borrow_mut().take(usize::MAX);
        }
        for service in &self.services {
            service.peer.link.borrow_mut().take(usize::MAX);
        }
    }

    /// Connects a client that sends `bytes`, and returns its connection.
    pub(crate) fn admit(&mut self, address: SocketAddr, bytes: &[u8]) -> Rc<RefCell<Link>> {
        let room = 1 + self.random.pick(&[100, 100, 20_000, 2_000_000]);
        let link = Link::new(&self.air, self.clients.len(), Phase::Established, room);
        link.borrow_mut().send(bytes);
        let (socket, now) = (LinkSocket::new(link.clone()), self.server_now());
        self.connections
            .admit(socket, address.into(), &mut self.shared, now);
        link
    }

    /// Presents a stamp on a new connection, and returns whether it is accepted. Its relay does not begin.
    pub(crate) fn present(&mut self, address: SocketAddr, line: &str) -> bool {
        let link = self.admit(address, line.as_bytes());
        let Some(Token::Connection(key)) = link.borrow().token else {
            panic!("a newcomer is not admitted");
        };
        let now = self.server_now();
        self.connections
            .on_ready(key, Readiness::default(), &mut self.shared, now);
        let limits = self.shared.relay_limits.as_mut().expect("a gate");
        let paid = self.connections.take_entrants();
        paid.iter()
            .for_each(|_| limits.leave(address.ip().into(), Fare::Paid));
        !paid.is_empty()
    }

    pub(super) fn server_now(&self) -> Now {
        at(self.now())
    }

    fn connect(&mut self) {
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, self.random.below(4) as u8));
        let address = SocketAddr::new(ip, 1 + self.clients.len() as u16);
        let link = self.admit(address, b"");
        let number = self.random.below(1_000_000);
        let peer = Peer::new(link, number, self.now(), &mut self.random);
        self.clients.push(Client::new(address, peer));
    }

    /// Returns how many relays the metrics count, by how they ended.
    pub(crate) fn endings(&self) -> [u64; Ending::ALL.len()] {
        Ending::ALL.map(|ending| self.shared.metrics.relays.count(ending))
    }

    pub(crate) fn links(&self) -> impl Iterator<Item = &Rc<RefCell<Link>>> {
        let clients = self.clients.iter().map(|client| &client.peer.link);
        clients.chain(self.services.iter().map(|service| &service.peer.link))
    }
}
