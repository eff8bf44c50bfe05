//! The invariants that must hold after every step of a world, as its clients see them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use powtcp_common::refusal::Refusal;

use crate::actor::{Actor, Kind};
use crate::inspect::{OUTCOMES, Outcome};
use crate::support::answers::refusal;
use crate::support::fairness::{Admission, Source, Standing};
use crate::support::pipe::Pipe;
use crate::support::subject::Subject;
use crate::world::World;

/// Connections that the server may read to make room for one newcomer.
const LOOKS_FOR_ROOM: usize = 4;
/// Reads of one connection in one step.
const READS_PER_STEP: usize = 4;
/// Bytes that the server may read after its last answer: 1 MiB after its FIN, and the reads of the turns
/// in which the session ended and in which that is exceeded.
const MAX_DISCARDED: usize = (1 << 20) + READS_PER_STEP * (16 << 10);
/// Puzzles for one connection.
const MAX_PUZZLES: usize = 8;
/// Bytes of the longest puzzle here.
const PUZZLE_LINE: usize = 80;
/// More bytes than the longest last answer here.
const LAST_LINE: usize = 300;

impl World {
    /// Lets the server act, and checks everything.
    pub(crate) fn step(&mut self, act: impl FnOnce(&mut Subject, Duration)) {
        let before = self.subject.outcomes();
        act(&mut self.subject, self.now);
        let closed = self.observe(None);
        self.check_outcomes(before, &closed);
        self.check();
    }

    /// Connects a newcomer, and checks that the server admits it in place of the connection that the model
    /// evicts, or turns it away.
    pub(crate) fn admit(&mut self, newcomer: &Actor) {
        let source = Source::from(newcomer.address.ip());
        let before = self.subject.outcomes();
        let pipe = newcomer.pipe.clone();
        self.subject.admit(pipe, newcomer.address, self.now);

        let mut victims = Vec::new();
        let mut admission = self.model.admission(source);
        for _ in 0..LOOKS_FOR_ROOM {
            let Admission::Evict(key) = admission else {
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
                let standing = self.subject.standing(key);
                let standing = standing.expect("an open connection has a standing");
                assert_ne!(Some(standing), before, "{key} should be evicted");
                self.model.place(key, standing);
            }
            admission = self.model.admission(source);
        }
        let pipe = newcomer.pipe.borrow();
        let was_admitted = pipe.key.is_some() || pipe.unwatchable && pipe.lines().is_empty();
        if admission == Admission::Admit {
            assert!(was_admitted, "turned away while there was room");
        } else if !was_admitted && pipe.takes_all && !pipe.reset {
            assert_eq!(pipe.lines(), [refusal(Refusal::ServerBusy)]);
        }
        assert!(
            admission == Admission::Admit || pipe.key.is_none(),
            "admitted without room"
        );
        if pipe.closed {
            victims.push(newcomer.pipe.clone());
        }
        if pipe.closed && was_admitted {
            // It counts as admitted for the age of all that follow.
            self.model.enter(usize::MAX, source);
            self.model.leave(usize::MAX);
        }
        drop(pipe);
        let others = self.observe(Some(newcomer));
        assert!(
            others.is_empty(),
            "a connection was closed that was not evicted"
        );
        self.check_outcomes(before, &victims);
        self.check();
    }

    /// Checks what clients must have got by the end of a turn.
    pub(crate) fn check_turn(&self) {
        for actor in &self.actors {
            let pipe = actor.pipe.borrow();
            assert!(
                !pipe.is_forgotten(),
                "no event will report {:?}",
                actor.kind
            );
            let is_served = pipe.is_served();
            let lines = pipe.lines();
            let last_answers = lines.iter().filter(|line| !line.starts_with("2:"));
            assert!(!pipe.takes_all || last_answers.count() <= 1, "{lines:?}");
            // Bytes that arrived after the events of this turn are read in the next one.
            if actor.is_owed && !pipe.event {
                assert!(is_served, "paid, but not served: {lines:?}");
            }
            assert!(actor.has_paid || !is_served, "served without a right stamp");
            // A lingering connection may be closed at any time: its answer has arrived long before.
            let lingered = [Some(Outcome::Refused), Some(Outcome::Served)];
            let is_recent = || !lingered.contains(&pipe.outcome());
            let was_told = pipe.closed && pipe.last_answer().is_some();
            if actor.kind == Kind::Honest && was_told && is_recent() {
                assert_eq!(
                    pipe.unread_at_close, 0,
                    "closing with unread bytes aborts the delivery of the answer"
                );
            }
        }
    }

    fn forget(&mut self, key: usize) {
        self.model.leave(key);
        self.open.remove(&key);
    }

    /// Updates the model, and returns the connections that were closed.
    fn observe(&mut self, newcomer: Option<&Actor>) -> Vec<Rc<RefCell<Pipe>>> {
        let is_closed = |(&key, pipe): (&usize, &Rc<RefCell<Pipe>>)| {
            pipe.borrow().closed.then(|| (key, pipe.clone()))
        };
        let closed: Vec<_> = self.open.iter().filter_map(is_closed).collect();
        for &(key, _) in &closed {
            self.forget(key);
        }
        for &key in self.open.keys() {
            if let Some(standing) = self.subject.standing(key) {
                self.model.place(key, standing);
            }
        }
        if let Some(actor) = newcomer.filter(|actor| !actor.pipe.borrow().closed) {
            let key = actor
                .pipe
                .borrow()
                .key
                .expect("an admitted connection has a key");
            self.model.enter(key, actor.address.ip().into());
            self.open.insert(key, actor.pipe.clone());
        }
        closed.into_iter().map(|(_, pipe)| pipe).collect()
    }

    /// Checks that every closed connection is counted once, by what its client saw.
    fn check_outcomes(&self, before: [u64; OUTCOMES.len()], closed: &[Rc<RefCell<Pipe>>]) {
        let mut counted = self.subject.outcomes();
        for (after, before) in counted.iter_mut().zip(before) {
            *after -= before;
        }
        assert_eq!(counted.iter().sum::<u64>(), closed.len() as u64);
        for (outcome, counted) in OUTCOMES.into_iter().zip(counted) {
            let seen = closed
                .iter()
                .filter(|pipe| pipe.borrow().outcome() == Some(outcome));
            assert!(
                counted >= seen.count() as u64,
                "{outcome:?} was seen and not counted"
            );
        }
        let (accepted, ended) = self.subject.accepted_and_ended();
        assert_eq!(accepted, ended + self.subject.len() as u64);
    }

    fn check(&self) {
        let Self { subject, model, .. } = self;
        let bounds = subject.bounds();
        assert_eq!(subject.len(), self.open.len());
        assert_eq!(subject.timers(), subject.len());
        assert!(subject.len() <= bounds.connections);
        for standing in Standing::ALL {
            assert_eq!(subject.count(standing), model.count(standing));
        }
        for held in model.held() {
            let count = model.held_by(held.source);
            assert_eq!(subject.held_by(held.source), count);
            assert!(bounds.per_source == 0 || count <= bounds.per_source);
        }
        let wake = subject.next_tick();
        for seen in subject.seen() {
            assert!(seen.is_timed, "no timer for the deadline of {}", seen.key);
            assert!(wake <= seen.due);
            assert!(seen.unsent <= MAX_PUZZLES * PUZZLE_LINE + LAST_LINE);
            let standing = model.standing(seen.key);
            check_pipe(&mut self.open[&seen.key].borrow_mut(), standing);
        }
    }
}

/// Checks an open connection by what its client sees.
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
    assert!(others.len() <= 1, "more than one last answer: {others:?}");
    assert_eq!(others.first().copied(), pipe.last_answer());
    assert_eq!(pipe.shut, !others.is_empty());
    let seen = match lines.last() {
        None => Standing::Fresh,
        Some(line) if line.starts_with("2:") => Standing::Puzzled,
        Some(_) => Standing::Lingering,
    };
    assert_eq!(standing, Some(seen));
}
