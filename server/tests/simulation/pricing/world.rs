//! Clients and a server on a virtual clock. An event is a client's turn, not a hash: the time to solve a
//! puzzle is drawn from the exponential distribution, which a search has.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::time::Duration;

use powtcp_server::time::Moment;

use super::server::{Puzzle, Server, Setup};
use super::tally::{Side, Tally};
use crate::random::Random;

/// How often the level is noted.
const SAMPLE: Duration = Duration::from_millis(100);

/// A client, or a source of clients.
pub(crate) trait Actor {
    /// Acts, and returns when it acts next; `None` if it is done.
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment>;
}

/// What an actor can reach.
pub(crate) struct Stage {
    pub(crate) random: Random,
    pub(crate) server: Server,
    pub(crate) tally: Tally,
    newcomers: Vec<Box<dyn Actor>>,
}

impl Stage {
    pub(crate) fn ask(&mut self, address: IpAddr, now: Moment) -> Puzzle {
        self.server.ask(address, now)
    }

    /// Presents a stamp. Returns whether the client is served.
    pub(crate) fn present(&mut self, side: Side, puzzle: &Puzzle, now: Moment) -> bool {
        let is_served = self.server.present(puzzle, now);
        if is_served {
            self.tally.serve(side, now);
        }
        is_served
    }

    /// Draws how long a search at `rate` hashes a second takes.
    pub(crate) fn solving_time(&mut self, puzzle: &Puzzle, rate: f64) -> Duration {
        let hashes = puzzle.price.difficulty.expected_hashes() * self.server.setup().scale();
        self.random.exponential(hashes / rate)
    }

    /// Lets an actor act for the first time, right after this one.
    pub(crate) fn enter(&mut self, actor: impl Actor + 'static) {
        self.newcomers.push(Box::new(actor));
    }
}

pub(crate) struct World {
    pub(crate) stage: Stage,
    actors: Vec<Option<Box<dyn Actor>>>,
    /// Turns to come: when, a number that makes the order unique, and whose.
    turns: BinaryHeap<Reverse<(Moment, usize, usize)>>,
    turns_planned: usize,
    now: Moment,
}

impl World {
    pub(crate) fn new(setup: Setup, mut random: Random) -> Self {
        let server = Server::new(setup, random.next());
        Self {
            stage: Stage {
                random,
                server,
                tally: Tally::default(),
                newcomers: Vec::new(),
            },
            actors: Vec::new(),
            turns: BinaryHeap::new(),
            turns_planned: 0,
            now: Moment::START,
        }
    }

    /// Lets an actor act for the first time at `when`.
    pub(crate) fn enter(&mut self, actor: impl Actor + 'static, when: Moment) {
        self.actors.push(Some(Box::new(actor)));
        self.plan(self.actors.len() - 1, when);
    }

    /// Runs until `end`.
    pub(crate) fn run(&mut self, end: Moment) {
        while self.now < end {
            let next_sample = self.now.after(SAMPLE);
            self.run_turns(next_sample);
            self.now = next_sample;
            let level = self.stage.server.level(self.now);
            let (least, greatest) = self.stage.server.setup().bits;
            assert!((least..=greatest).contains(&level.into()), "level {level}");
            self.stage.tally.levels.push(level);
        }
    }

    fn run_turns(&mut self, end: Moment) {
        while let Some(&Reverse((now, _, index))) = self.turns.peek()
            && now < end
        {
            self.turns.pop();
            let Some(mut actor) = self.actors[index].take() else {
                continue;
            };
            if let Some(next) = actor.act(&mut self.stage, now) {
                self.actors[index] = Some(actor);
                self.plan(index, next);
            }
            for newcomer in std::mem::take(&mut self.stage.newcomers) {
                self.actors.push(Some(newcomer));
                self.plan(self.actors.len() - 1, now);
            }
        }
    }

    fn plan(&mut self, actor: usize, when: Moment) {
        self.turns_planned += 1;
        self.turns.push(Reverse((when, self.turns_planned, actor)));
    }
}
