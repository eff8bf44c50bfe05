//! The server's connections with a crowd of clients, turn by turn as the event loop does it, on a clock
//! that jumps to whatever happens next.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::AddAssign;
use std::rc::Rc;
use std::time::Duration;

use mio::Poll;
use powtcp_common::hashcash::Dialect;
use powtcp_common::log_line::{Format, Level};
use powtcp_server::connection::{Connection, Readiness};
use powtcp_server::connections::{Connections, Timer};
use powtcp_server::limits::{Bounds, Verdict};
use powtcp_server::log::Log;
use powtcp_server::metrics::Outcome;
use powtcp_server::moment::{Moment, Now};
use powtcp_server::resources::Resources;
use powtcp_server::responder::Responder;

use crate::actor::{Actor, Kind, difficulty};
use crate::random::Random;
use crate::support::conversation::rules;
use crate::support::fairness::Fairness;
use crate::support::pipe::{FakeSocket, Pipe};

pub(crate) const OUTCOMES: [Outcome; 6] = [
    Outcome::Served,
    Outcome::Refused,
    Outcome::Left,
    Outcome::Broken,
    Outcome::Evicted,
    Outcome::TurnedAway,
];

/// What happened: connections by outcome, and what came of looking for room.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) outcomes: [u64; OUTCOMES.len()],
    /// Connections that were to make room, and had paid.
    pub(crate) spared: u64,
    /// Connections that made room and had been refused before.
    pub(crate) lingering: u64,
}

/// A server in its world.
pub(crate) struct World {
    pub(crate) connections: Connections<FakeSocket>,
    /// What `connections` should be, from what the sockets were told.
    pub(crate) model: Fairness,
    /// The sockets that are open, by key.
    pub(crate) open: BTreeMap<usize, Rc<RefCell<Pipe>>>,
    pub(crate) tally: Tally,
    pub(crate) now: Duration,
    pub(crate) actors: Vec<Actor>,
    sources: usize,
    random: Random,
}

impl World {
    pub(crate) fn new(bounds: Bounds, sources: usize, random: Random) -> Self {
        // Sockets register here; nobody polls.
        let poll = Poll::new().expect("a poll");
        let registry = poll.registry().try_clone().expect("a descriptor");
        let mut rules = rules(Dialect::Hashcash);
        rules.terms.difficulty = difficulty();
        let log = Log::new(Level::Error, Format::Text);
        let responder = Responder::new(Resources::built_in(), log);
        Self {
            connections: Connections::new(bounds, rules, responder, registry),
            model: Fairness::new(bounds),
            open: BTreeMap::new(),
            tally: Tally::default(),
            now: Duration::ZERO,
            actors: Vec::new(),
            sources,
            random,
        }
    }

    /// Lets so many clients come, with calm times and bursts.
    pub(crate) fn run(&mut self, newcomers: usize) {
        let mut arrival = self.now;
        let mut come = 0;
        while come < newcomers {
            self.jump(arrival);
            let mut queue = Vec::new();
            while arrival <= self.now && come < newcomers {
                queue.push(self.newcomer());
                come += 1;
                let is_burst = self.random.percent(80);
                arrival += self.random.within(if is_burst { 5 } else { 3_000 });
            }
            self.turn(queue);
        }
    }

    /// Shuts the server down with patience, then without; what happened in all.
    pub(crate) fn end(mut self) -> Tally {
        self.hear();
        self.step(Connections::begin_shutdown);
        let patience = self.now + Duration::from_secs(5);
        while self.now < patience {
            self.jump(patience);
            self.turn(Vec::new());
        }
        self.hear();
        self.step(Connections::end_shutdown);
        self.check_turn();
        for pipe in self.open.values() {
            assert!(!pipe.borrow().takes_all, "left open by a shutdown");
        }
        let metrics = &self.connections.shared.responder.metrics;
        self.tally.outcomes = OUTCOMES.map(|outcome| metrics.outcomes(outcome));
        self.tally
    }

    /// Lets time pass until something happens: an event, a deadline, a client that acts, or `arrival`.
    fn jump(&mut self, arrival: Duration) {
        if self.open.values().any(|pipe| pipe.borrow().event) {
            self.now += self.random.within(1);
            return;
        }
        let wakes = self.actors.iter().filter_map(|actor| actor.wake);
        let tick = self.connections.timers.next_tick();
        let tick = tick.map(|tick| Moment::at_tick(tick).since(Moment::new(Duration::ZERO)));
        let next = wakes.chain(tick).fold(arrival, Duration::min);
        self.now = self.now.max(next) + self.random.within(1);
        if self.random.below(500) == 0 {
            // The process did not run for a while.
            self.now += self.random.within(30_000);
        }
    }

    /// One turn of the event loop. Some clients act before it, the others between its events and the
    /// newcomers, so that it finds what no event has told of.
    fn turn(&mut self, queue: Vec<Actor>) {
        self.act(50);
        self.connections.shared.begin_turn();
        self.hear();
        while let Some(timer) = self.connections.timers.pop(self.at_now().moment.tick()) {
            let Timer::Connection(key) = timer else {
                panic!("whose is {timer:?}?");
            };
            self.step(|server, now| server.on_deadline(key as usize, now));
        }
        self.act(100);
        for newcomer in queue {
            self.hurry(&newcomer);
            self.admit(&newcomer);
            self.actors.push(newcomer);
        }
        self.check_turn();
        self.actors.retain(|actor| !actor.pipe.borrow().closed);
    }

    /// Handles what the poll has to tell.
    fn hear(&mut self) {
        let open: Vec<_> = self
            .open
            .iter()
            .map(|(&key, pipe)| (key, pipe.clone()))
            .collect();
        for (key, pipe) in open {
            if std::mem::take(&mut pipe.borrow_mut().event) {
                let read_closed = pipe.borrow().ended || pipe.borrow().reset;
                self.step(|server, now| server.on_ready(key, Readiness { read_closed }, now));
            }
        }
    }

    /// Lets so many in a hundred act of those whose time has come.
    fn act(&mut self, percent: usize) {
        for index in 0..self.actors.len() {
            let is_time = self.actors[index].wake.is_some_and(|wake| wake <= self.now);
            if is_time && self.random.percent(percent) {
                self.act_one(index);
            }
        }
    }

    fn act_one(&mut self, index: usize) {
        let actor = &mut self.actors[index];
        let had_paid = actor.has_paid;
        actor.act(self.now, &mut self.random);
        if actor.has_paid && !had_paid {
            let key = actor.pipe.borrow().key;
            let mut open = self.connections.iter();
            let connection = open.find(|&(open, _)| Some(open) == key);
            // It is read at the latest when the next event is looked at.
            let read_at = Moment::new(self.now + Duration::from_millis(1));
            actor.is_owed = connection.is_some_and(|(_, Connection { session, .. })| {
                session.holds_puzzle() && read_at < session.deadline()
            });
        }
    }

    /// Lets whoever is to make room for `newcomer` act in the last moment, now and then; and pay, if it
    /// is about to.
    fn hurry(&mut self, newcomer: &Actor) {
        let verdict = self.model.verdict(newcomer.address.ip().into());
        let Verdict::AdmitInsteadOf(key) = verdict else {
            return;
        };
        let is_victim = |actor: &Actor| actor.pipe.borrow().key == Some(key);
        let Some(index) = self.actors.iter().position(is_victim) else {
            return;
        };
        while self.random.percent(20) || self.actors[index].is_paying() {
            self.act_one(index);
        }
    }

    fn newcomer(&mut self) -> Actor {
        let random = &mut self.random;
        let kind = match random.percent(40) {
            true => Kind::Honest,
            false => random.pick(&Kind::ALL),
        };
        let source = random.below(self.sources) as u8;
        let address = SocketAddr::new(
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, source)),
            1 + random.below(65_535) as u16,
        );
        let mut actor = Actor::new(kind, address, self.now, random);
        for _ in 0..random.below(4) {
            // It sends before it is accepted.
            actor.act(self.now, random);
        }
        actor
    }

    pub(crate) fn at_now(&self) -> Now {
        Now {
            moment: Moment::new(self.now),
            wall: self.now,
        }
    }
}

impl Tally {
    pub(crate) const fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for (sum, more) in self.outcomes.iter_mut().zip(other.outcomes) {
            *sum += more;
        }
        self.spared += other.spared;
        self.lingering += other.lingering;
    }
}
