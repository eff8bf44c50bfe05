//! The server's tables of connections and relays, their clients and the services behind, driven turn by turn as
//! the event loop does it, on a clock that jumps to the next event.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use mio::Poll;
use powtcp_common::hashcash::Dialect;
use powtcp_common::log_line::{Format, Level};
use powtcp_server::admission::RelayLimits;
use powtcp_server::net::connection::Readiness;
use powtcp_server::net::connections::Connections;
use powtcp_server::net::shared::{Shared, Timer};
use powtcp_server::net::token::Token;
use powtcp_server::relay::{Ending, Gate, Relays, Side};
use powtcp_server::resources::Resources;
use powtcp_server::telemetry::log::Log;
use powtcp_server::time::{Moment, Now};

use super::client::Client;
use super::link::{Air, Link, LinkSocket, Phase};
use super::peer::Peer;
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
    answers_at: Option<Duration>,
}

/// The tables under test and what surrounds them.
pub(crate) struct World {
    pub(crate) connections: Connections<LinkSocket>,
    pub(crate) relays: Relays<LinkSocket, VirtualUpstream>,
    pub(crate) shared: Shared,
    pub(crate) air: Rc<Air>,
    attempts: Rc<RefCell<Vec<Attempt>>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) services: Vec<Service>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) addresses: usize,
    pub(crate) is_shutting_down: bool,
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
        rules.terms.difficulty = difficulty();
        rules.ttl = Duration::from_secs(86_400);
        // Sockets register here, but nothing polls.
        let poll = Poll::new().expect("a poll");
        let registry = poll.registry().try_clone().expect("a descriptor");
        let log = Log::start(Level::Error, Format::Text).expect("a thread");
        let mut shared = Shared::new(rules, mint(), Resources::built_in(), log, registry);
        let per_source = random.pick(&[0, 3, 8]);
        shared.relay_limits = Some(RelayLimits::new(4 + random.below(40), per_source));
        let bounds = Bounds {
            connections: 1_000,
            per_source: 0,
            when_full: WhenFull::Evict,
        };
        Self {
            connections: Connections::new(bounds),
            relays: Relays::new(Gate {
                upstream,
                connect_timeout,
                idle_timeout,
                send_proxy: None,
            }),
            shared,
            air,
            attempts,
            clients: Vec::new(),
            services: Vec::new(),
            connect_timeout,
            idle_timeout,
            addresses: addresses.max(1),
            is_shutting_down: false,
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
        self.step(|world| {
            let (connections, shared) = (&mut world.connections, &mut world.shared);
            world.relays.shut_down(connections, shared, now);
        });
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
        let room = 1 + self.random.pick(&[300, 20_000, 400_000]);
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
        paid.iter().for_each(|_| limits.leave(address.ip().into()));
        !paid.is_empty()
    }

    fn server_now(&self) -> Now {
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

    fn run_until(&mut self, end: Duration) {
        while self.now() < end {
            self.jump(end);
            self.turn();
        }
    }

    /// Moves the clock to the next event, deadline or act of a peer.
    fn jump(&mut self, end: Duration) {
        let mut next = end;
        if self.relays.is_busy() || self.links().any(|link| link.borrow().event) {
            next = self.now();
        }
        let clients = self.clients.iter().filter_map(|client| client.peer.wake);
        let services = self.services.iter();
        let services = services.flat_map(|service| [service.peer.wake, service.answers_at]);
        let tick = self.shared.timers.next_tick();
        let deadline = tick.map(|tick| Moment::at_tick(tick).since(Moment::START));
        let next = clients
            .chain(services.flatten())
            .chain(deadline)
            .fold(next, Duration::min);
        let now = self.now().max(next) + self.random.within(1);
        self.air.now.set(now);
    }

    /// Runs one turn of the event loop.
    fn turn(&mut self) {
        self.act(50);
        self.shared.begin_turn();
        self.deliver_events();
        let now = self.server_now();
        while let Some(timer) = self.shared.timers.pop(now.moment.tick()) {
            self.step(|world| world.on_deadline(timer, now));
        }
        self.act(100);
        self.step(Self::take_turn);
        self.check_turn();
    }

    fn take_turn(&mut self) {
        let now = self.server_now();
        self.relays
            .take_turn(&mut self.connections, &mut self.shared, now);
    }

    fn on_deadline(&mut self, timer: Timer, now: Now) {
        let (connections, shared) = (&mut self.connections, &mut self.shared);
        match timer {
            Timer::Connection(key) => connections.on_deadline(key as usize, shared, now),
            Timer::Relay(key) => {
                let key = key as usize;
                self.air.dialing.set(client_of(&self.clients, key));
                self.relays.on_deadline(key, connections, shared, now);
            }
            other => panic!("{other:?} is armed outside the tables"),
        }
    }

    /// Delivers all events that a poll would report, and some that report nothing new.
    fn deliver_events(&mut self) {
        let links: Vec<_> = self.links().cloned().collect();
        let first = self.random.below(links.len().max(1));
        for link in links[first..].iter().chain(&links[..first]) {
            let is_spurious = self.random.percent(1);
            let is_due = link.borrow().event || is_spurious;
            let is_open = link.borrow().closed.is_none();
            let Some(token) = link.borrow().token.filter(|_| is_due && is_open) else {
                continue;
            };
            let event = link.borrow_mut().take_event();
            let written = link.borrow().written;
            let now = self.server_now();
            self.step(|world| {
                let (connections, shared) = (&mut world.connections, &mut world.shared);
                match token {
                    Token::Connection(key) => {
                        let readiness = Readiness {
                            read_closed: event.closing,
                            ..Readiness::default()
                        };
                        connections.on_ready(key, readiness, shared, now);
                    }
                    Token::Relay(side, key) => {
                        world.air.dialing.set(client_of(&world.clients, key));
                        world
                            .relays
                            .on_event(side, key, event, connections, shared, now);
                    }
                    other => panic!("{other:?} belongs to no peer"),
                }
            });
            if link.borrow().written > written {
                self.check_busy(&link.borrow());
            }
        }
    }

    /// Lets `percent` of the peers act whose time has come.
    fn act(&mut self, percent: usize) {
        let now = self.now();
        let random = &mut self.random;
        for client in &mut self.clients {
            if client.peer.wake.is_some_and(|wake| wake <= now) && random.percent(percent) {
                client.act(now, random);
            }
        }
        for Service {
            peer,
            mood,
            answers_at,
        } in &mut self.services
        {
            if answers_at.is_some_and(|time| time <= now) {
                *answers_at = None;
                peer.link.borrow_mut().answer(*mood == Mood::AcceptsLate);
            }
            let is_connected = peer.link.borrow().phase == Phase::Established;
            if peer.wake.is_some_and(|wake| wake <= now) && random.percent(percent) {
                if is_connected {
                    peer.act(now, random);
                } else {
                    let is_over = peer.link.borrow().closed.is_some();
                    peer.wake = (!is_over).then(|| now + random.within(100));
                }
            }
        }
    }

    /// Lets the server act, and checks what it did.
    fn step(&mut self, act: impl FnOnce(&mut Self)) {
        let before = self.endings();
        act(self);
        for attempt in self.attempts.take() {
            let client = &mut self.clients[attempt.client];
            client.attempts.push((attempt.index, attempt.mood));
            if let Some(peer) = attempt.peer {
                client.service = Some(self.services.len());
                self.services.push(Service {
                    peer,
                    mood: attempt.mood,
                    answers_at: attempt.answers_at,
                });
            }
        }
        self.observe(before);
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

/// Returns the client of the relay with this key.
fn client_of(clients: &[Client], key: usize) -> Option<usize> {
    let is_client =
        |client: &Client| client.peer.link.borrow().relay() == Some((Side::Client, key));
    clients.iter().position(is_client)
}
