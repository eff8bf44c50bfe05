//! What must hold after every step of a world, seen from its clients.

use std::cell::RefCell;
use std::rc::Rc;

use powtcp_server::connections::Connections;
use powtcp_server::limits::{Source, Standing, Verdict};
use powtcp_server::metrics::Outcome;
use powtcp_server::moment::Now;

use crate::actor::{Actor, Kind};
use crate::support::pipe::{FakeSocket, Pipe};
use crate::world::{OUTCOMES, World};

/// Connections that one newcomer may have looked at.
const LOOKS_FOR_ROOM: usize = 4;
/// Reads for one connection in one step.
const READS_PER_STEP: usize = 4;
/// Bytes that may be read after the last answer, and in the read that finds that they are too many.
const MAX_DISCARDED: usize = (1 << 20) + (16 << 10);
/// Puzzles for one connection, and the bytes of the longest that there are here.
const MAX_PUZZLES: usize = 8;
const PUZZLE_LINE: usize = 80;
/// More than any last answer has here.
const LAST_LINE: usize = 300;

impl World {
    /// Lets the server do something, and looks at everything.
    pub(crate) fn step(&mut self, act: impl FnOnce(&mut Connections<FakeSocket>, Now)) {
        let now = self.at_now();
        let before = self.outcomes();
        act(&mut self.connections, now);
        let closed = self.observe(None);
        self.check_outcomes(before, &closed);
        self.check();
    }

    /// A newcomer is let in, instead of whom the model says, or turned away.
    pub(crate) fn admit(&mut self, newcomer: &Actor) {
        let now = self.at_now();
        let source = Source::from(newcomer.address.ip());
        let before = self.outcomes();
        let socket = FakeSocket(newcomer.pipe.clone());
        let address = newcomer.address.into();
        self.connections.admit(socket, address, now);

        let mut victims = Vec::new();
        let mut verdict = self.model.verdict(source);
        for _ in 0..LOOKS_FOR_ROOM {
            let Verdict::AdmitInsteadOf(key) = verdict else {
                break;
            };
            let before = self.model.standing(key);
            assert_ne!(before, Some(Standing::Delivering));
            let victim = self.open[&key].clone();
            let has_paid = victim.borrow().is_served();
            self.tally.spared += u64::from(has_paid);
            self.tally.lingering += u64::from(before == Some(Standing::Lingering));
            if victim.borrow().closed {
                self.forget(key);
                victims.push(victim);
            } else {
                let standing = self.connections.limits.standing(key);
                assert_eq!(
                    standing,
                    Some(Standing::Delivering),
                    "{key} had to make room"
                );
                assert!(has_paid || !victim.borrow().takes_all);
                self.model.place(key, Standing::Delivering);
            }
            verdict = self.model.verdict(source);
        }
        let pipe = newcomer.pipe.borrow();
        let was_admitted = pipe.key.is_some() || pipe.unwatchable && pipe.lines().is_empty();
        if verdict == Verdict::Admit {
            assert!(was_admitted, "turned away though there is room");
        } else if !was_admitted && pipe.takes_all && !pipe.reset {
            assert_eq!(pipe.lines(), ["0:server is busy"]);
        }
        assert!(
            verdict == Verdict::Admit || pipe.key.is_none(),
            "admitted without room"
        );
        if pipe.closed {
            victims.push(newcomer.pipe.clone());
        }
        drop(pipe);
        let others = self.observe(Some(newcomer));
        assert!(
            others.is_empty(),
            "somebody was closed who had not to make room"
        );
        self.check_outcomes(before, &victims);
        self.check();
    }

    /// What clients are owed by the end of a turn.
    pub(crate) fn check_turn(&self) {
        for actor in &self.actors {
            let pipe = actor.pipe.borrow();
            assert!(!pipe.is_forgotten(), "nobody will look at {:?}", actor.kind);
            let is_served = pipe.is_served();
            let lines = pipe.lines();
            let last_words = lines.iter().filter(|line| !line.starts_with("2:"));
            assert!(!pipe.takes_all || last_words.count() <= 1, "{lines:?}");
            // What arrived in this turn after the events is looked at in the next one.
            if actor.is_owed && !pipe.event {
                assert!(is_served, "paid for nothing: {lines:?}");
            }
            assert!(actor.has_paid || !is_served, "served without a right stamp");
            // One that lingers may be closed at any time: it was told long before.
            let is_recent = || pipe.outcome() != Some(Outcome::Refused);
            let was_told = pipe.closed && pipe.last_word().is_some();
            if actor.kind == Kind::Honest && was_told && is_recent() {
                assert_eq!(
                    pipe.unread_at_close, 0,
                    "closing makes the network drop the answer"
                );
            }
        }
    }

    fn outcomes(&self) -> [u64; OUTCOMES.len()] {
        let metrics = &self.connections.shared.responder.metrics;
        OUTCOMES.map(|outcome| metrics.outcomes(outcome))
    }

    fn forget(&mut self, key: usize) {
        self.model.leave(key);
        self.open.remove(&key);
    }

    /// Brings the model up to date; returns those that were closed.
    fn observe(&mut self, newcomer: Option<&Actor>) -> Vec<Rc<RefCell<Pipe>>> {
        let is_closed = |(&key, pipe): (&usize, &Rc<RefCell<Pipe>>)| {
            pipe.borrow().closed.then(|| (key, pipe.clone()))
        };
        let closed: Vec<_> = self.open.iter().filter_map(is_closed).collect();
        for &(key, _) in &closed {
            self.forget(key);
        }
        for &key in self.open.keys() {
            if let Some(standing) = self.connections.limits.standing(key) {
                self.model.place(key, standing);
            }
        }
        if let Some(actor) = newcomer.filter(|actor| !actor.pipe.borrow().closed) {
            let key = actor.pipe.borrow().key.expect("it has a key");
            self.model.enter(key, actor.address.ip().into());
            self.open.insert(key, actor.pipe.clone());
        }
        closed.into_iter().map(|(_, pipe)| pipe).collect()
    }

    /// Every connection that was closed is counted once, by what its client saw.
    fn check_outcomes(&self, before: [u64; OUTCOMES.len()], closed: &[Rc<RefCell<Pipe>>]) {
        let mut counted = self.outcomes();
        counted
            .iter_mut()
            .zip(before)
            .for_each(|(after, before)| *after -= before);
        assert_eq!(counted.iter().sum::<u64>(), closed.len() as u64);
        for (outcome, counted) in OUTCOMES.into_iter().zip(counted) {
            let seen = closed
                .iter()
                .filter(|pipe| pipe.borrow().outcome() == Some(outcome));
            assert!(
                counted >= seen.count() as u64,
                "{outcome:?} seen, and not counted"
            );
        }
        let metrics = &self.connections.shared.responder.metrics;
        let open = self.connections.len() as u64;
        assert_eq!(metrics.accepted, metrics.ended() + open);
    }

    fn check(&self) {
        let Self {
            connections, model, ..
        } = self;
        assert_eq!(connections.len(), self.open.len());
        assert_eq!(connections.timers.waiting(), connections.len());
        assert!(connections.len() <= connections.limits.bounds().connections);
        for standing in Standing::ALL {
            assert_eq!(connections.limits.count(standing), model.count(standing));
        }
        let per_source = connections.limits.bounds().per_source;
        for held in model.held() {
            let count = model.held_by(held.source);
            assert_eq!(connections.limits.held_by(held.source), count);
            assert!(per_source == 0 || count <= per_source);
        }
        let wake = connections.timers.next_tick();
        for (key, connection) in connections.iter() {
            let due = connections.timers.due(connection.timer);
            assert_eq!(
                due,
                Some(connection.session.deadline().due_tick()),
                "no deadline"
            );
            assert!(wake <= due);
            assert!(connection.unsent() <= MAX_PUZZLES * PUZZLE_LINE + LAST_LINE);
            check_pipe(&mut self.open[&key].borrow_mut(), model.standing(key));
        }
    }
}

/// One connection that is open, and what its client sees of it.
fn check_pipe(pipe: &mut Pipe, standing: Option<Standing>) {
    assert!(std::mem::take(&mut pipe.reads) <= READS_PER_STEP);
    assert!(pipe.discarded <= MAX_DISCARDED);
    let lines = pipe.lines();
    let (puzzles, others): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| line.starts_with("2:"));
    assert!(puzzles.len() <= MAX_PUZZLES);
    if !pipe.takes_all {
        return;
    }
    assert!(others.len() <= 1, "more than one last word: {others:?}");
    assert_eq!(others.first().copied(), pipe.last_word());
    assert_eq!(pipe.shut, !others.is_empty());
    let seen = match lines.last() {
        None => Standing::Fresh,
        Some(line) if line.starts_with("2:") => Standing::Puzzled,
        Some(line) if line.starts_with("0:") => Standing::Lingering,
        Some(_) => Standing::Delivering,
    };
    assert_eq!(standing, Some(seen));
}
