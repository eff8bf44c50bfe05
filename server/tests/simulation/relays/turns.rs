//! The turns of the event loop, on a clock that jumps to the next event.

use std::time::Duration;

use powtcp_server::net::connection::Readiness;
use powtcp_server::net::shared::Timer;
use powtcp_server::net::token::Token;
use powtcp_server::relay::Side;
use powtcp_server::time::{Moment, Now};

use super::client::Client;
use super::link::Phase;
use super::upstream::Mood;
use super::world::{Service, World};

impl World {
    /// Runs turns until `end`.
    pub(super) fn run_until(&mut self, end: Duration) {
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

    pub(super) fn take_turn(&mut self) {
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
    pub(super) fn step(&mut self, act: impl FnOnce(&mut Self)) {
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
}

/// Returns the client of the relay with this key.
fn client_of(clients: &[Client], key: usize) -> Option<usize> {
    let is_client =
        |client: &Client| client.peer.link.borrow().relay() == Some((Side::Client, key));
    clients.iter().position(is_client)
}
