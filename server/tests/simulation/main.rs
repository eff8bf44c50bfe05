//! Guards what holds across all connections: the real table, deadlines, limits and admission on a clock
//! that jumps, with random clients of every kind. The invariants in `checks` must hold after every step.
//! `relays` does the same for a gate, with both sides of its relays.
//!
//! A failure prints its seed. With `SIMULATION_SEED=NUMBER` in the environment only that seed runs.

mod actor;
mod checks;
mod inspect;
mod pricing;
mod random;
mod relays;
mod view;
mod world;

#[path = "../support"]
mod support {
    pub(crate) mod answers;
    pub(crate) mod fairness;
    pub(crate) mod pipe;
    pub(crate) mod rules;
    pub(crate) mod stamps;
    pub(crate) mod subject;
}

use std::hash::{BuildHasher, RandomState};

use inspect::{OUTCOMES, Outcome};
use random::Random;
use support::fairness::{Bounds, WhenFull};
use world::{Tally, World};

/// Worlds in a run.
const WORLDS: u64 = 8;
/// Connections that arrive in each world.
const NEWCOMERS: usize = 800;

/// Prints the seed of a world that ends in a panic.
struct SeedPrinter(u64);

impl Drop for SeedPrinter {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat this: SIMULATION_SEED={}", self.0);
        }
    }
}

/// Returns a seed that differs in every run.
fn new_seed() -> u64 {
    RandomState::new().hash_one("a new seed for every run")
}

fn seed() -> u64 {
    let given = std::env::var("SIMULATION_SEED").ok();
    given.map_or_else(new_seed, |seed| {
        seed.parse().expect("SIMULATION_SEED is a number")
    })
}

fn simulate(seed: u64) -> Tally {
    let _seed = SeedPrinter(seed);
    let mut random = Random::new(seed);
    // Eight consecutive seeds give all combinations of these three choices.
    let bounds = Bounds {
        connections: 4 + random.below(24),
        per_source: if seed & 1 == 0 {
            0
        } else {
            1 + random.below(8) as u32
        },
        when_full: if seed & 2 == 0 {
            WhenFull::Evict
        } else {
            WhenFull::Refuse
        },
    };
    let sources = if seed & 4 == 0 { 3 } else { 200 };
    let mut world = World::new(bounds, sources, random);
    world.run(NEWCOMERS);
    world.end()
}

#[test]
fn invariants_hold_after_every_step_of_random_traffic() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        let tally = simulate(seed.parse().expect("SIMULATION_SEED is a number"));
        return println!("{tally:?}");
    }
    let first = new_seed();
    let mut all = Tally::default();
    for seed in 0..WORLDS {
        all += simulate(first.wrapping_add(seed));
    }
    // A case that never occurs is not tested.
    for outcome in OUTCOMES {
        assert!(all.of(outcome) > 0, "no connection was {outcome:?}");
    }
    assert!(all.of(Outcome::Served) > 100);
    assert!(all.spared > 0, "no victim had paid");
    assert!(
        all.lingering > 0,
        "no lingering connection was closed for a newcomer"
    );
}
