//! The server's table of connections and its clients, driven turn by turn as the event loop does it, on a
//! clock that jumps to the next event.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::AddAssign;
use std::rc::Rc;
use std::time::Duration;

use powtcp_common::hashcash::Dialect;
use powtcp_server::admission::Pricing;

use crate::actor::{Actor, Kind, difficulty};
use crate::inspect::{OUTCOMES, Outcome};
use crate::random::Random;
use crate::support::fairness::{Admission, Bounds, Fairness};
use crate::support::pipe::Pipe;
use crate::support::rules::rules;
use crate::support::subject::{Resources, Subject};

/// How often what tests must cover has happened.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Connections by outcome.
    pub(crate) outcomes: [u64; OUTCOMES.len()],
    /// Connections that were to be evicted, and had paid.
    pub(crate) spared: u64,
    /// Lingering connections that were closed for a newcomer.
    pub(crate) lingering: u64,
}

/// A table under test, its model and its clients.
pub(crate) struct World {
    pub(crate) subject: Subject,
    /// What admission in `subject` should be, derived from the sockets.
    pub(crate) model: Fairness,
    /// The open connections, by key.
    pub(crate) open: BTreeMap<usize, Rc<RefCell<Pipe>>>,
    pub(crate) tally: Tally,
    pub(crate) now: Duration,
    pub(crate) actors: Vec<Actor>,
    sources: usize,
    random: Random,
}

impl World {
    /// Creates a world without clients. They come from `sources` addresses.
    pub(crate) fn new(bounds: Bounds, sources: usize, random: Random) -> Self {
        let rules = rules(Dialect::Hashcash);
        let mut subject = Subject::new(bounds, rules, Resources::built_in());
        subject.shared.pricing = Pricing::Fixed(difficulty());
        Self {
            subject,
            model: Fairness::new(bounds),
            open: BTreeMap::new(),
            tally: Tally::default(),
            now: Duration::ZERO,
            actors: Vec::new(),
            sources,
            random,
        }
    }

    /// Lets `newcomers` clients connect, in bursts and with pauses.
    pub(crate) fn run(&mut self, newcomers: usize) {
        let mut arrival = self.now;
        let mut arrived = 0;
        while arrived < newcomers {
            self.jump(arrival);
            let mut queue = Vec::new();
            while arrival <= self.now && arrived < newcomers {
                queue.push(self.newcomer());
                arrived += 1;
                let is_burst = self.random.percent(80);
                arrival += self.random.within(if is_burst { 5 } else { 3_000 });
            }
            self.turn(queue);
        }
    }

    /// Shuts the server down, first with a timeout and then at once. Returns what has happened in total.
    pub(crate) fn end(mut self) -> Tally {
        self.deliver_events();
        self.step(Subject::begin_shutdown);
        let patience = self.now + Duration::from_secs(5);
        while self.now < patience {
            self.jump(patience);
            self.turn(Vec::new());
        }
        self.deliver_events();
        self.step(Subject::end_shutdown);
        self.check_turn();
        for pipe in self.open.values() {
            assert!(!pipe.borrow().takes_all, "open after a shutdown");
        }
        self.tally.outcomes = self.subject.outcomes();
        self.tally
    }

    /// Moves the clock to the next event, deadline, act of a client, or `arrival`.
    fn jump(&mut self, arrival: Duration) {
        if self.open.values().any(|pipe| pipe.borrow().event) {
            self.now += self.random.within(1);
            return;
        }
        let wakes = self.actors.iter().filter_map(|actor| actor.wake);
        let deadline = self.subject.wake_time();
        let next = wakes.chain(deadline).fold(arrival, Duration::min);
        self.now = self.now.max(next) + self.random.within(1);
        if self.random.below(500) == 0 {
            // The process was stopped for a while.
            self.now += self.random.within(30_000);
        }
    }

    /// Runs one turn of the event loop. Some clients act before it and the others between its events and
    /// the newcomers, so that the server finds bytes that no event has reported.
    fn turn(&mut self, queue: Vec<Actor>) {
        self.act(50);
        self.subject.begin_turn();
        self.deliver_events();
        while let Some(key) = self.subject.pop_due(self.now) {
            self.step(|server, now| server.on_deadline(key, now));
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

    /// Delivers all events that a poll would report.
    fn deliver_events(&mut self) {
        let open: Vec<_> = self
            .open
            .iter()
            .map(|(&key, pipe)| (key, pipe.clone()))
            .collect();
        for (key, pipe) in open {
            if std::mem::take(&mut pipe.borrow_mut().event) {
                let read_closed = pipe.borrow().ended || pipe.borrow().reset;
                self.step(|server, now| server.on_ready(key, read_closed, now));
            }
        }
    }

    /// Lets `percent` of the clients act whose time has come.
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
            // The server reads the stamp no later than in the next turn.
            let read_at = self.now + Duration::from_millis(1);
            actor.is_owed = key.is_some_and(|key| self.subject.may_pay_at(key, read_at));
        }
    }

    /// Lets the client that is to be evicted for `newcomer` act at the last moment: always if it is about
    /// to pay, and sometimes otherwise.
    fn hurry(&mut self, newcomer: &Actor) {
        let admission = self.model.admission(newcomer.address.ip().into());
        let Admission::Evict(key) = admission else {
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
        let kind = if random.percent(40) {
            Kind::Honest
        } else {
            random.pick(&Kind::ALL)
        };
        let source = random.below(self.sources) as u8;
        let address = SocketAddr::new(
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, source)),
            1 + random.below(65_535) as u16,
        );
        let mut actor = Actor::new(kind, address, self.now, random);
        for _ in 0..random.below(4) {
            // A client may send before the server accepts its connection.
            actor.act(self.now, random);
        }
        actor
    }
}

impl Tally {
    /// Returns how many connections ended in `outcome`.
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
