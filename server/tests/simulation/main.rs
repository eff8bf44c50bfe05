//! Guards what the server owes to all its connections together: the real table, deadlines, limits and
//! admission on a clock that jumps, with clients of every kind that come at random. After every step the
//! invariants of `checks` hold.
//!
//! A failure tells its seed; `SIMULATION_SEED=NUMBER` in the environment runs that one alone.

mod actor;
mod checks;
mod random;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::hash::{BuildHasher, RandomState};

use powtcp_server::limits::{Bounds, WhenFull};
use powtcp_server::metrics::Outcome;
use random::Random;
use world::{Tally, World};

/// Worlds in a run, each with so many connections.
const WORLDS: u64 = 8;
const NEWCOMERS: usize = 800;

/// Tells the seed of a world that ends in a panic.
struct TellSeed(u64);

impl Drop for TellSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to see it again: SIMULATION_SEED={}", self.0);
        }
    }
}

fn simulate(seed: u64) -> Tally {
    let _seed = TellSeed(seed);
    let mut random = Random::new(seed);
    // All combinations of the three, in eight worlds with seeds in a row.
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
fn whoever_comes_the_invariants_hold_after_every_step() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        let tally = simulate(seed.parse().expect("SIMULATION_SEED is a number"));
        return println!("{tally:?}");
    }
    let first = RandomState::new().hash_one("a seed that no run had before");
    let mut all = Tally::default();
    for seed in 0..WORLDS {
        all += simulate(first.wrapping_add(seed));
    }
    // A simulation in which something does not happen guards nothing.
    for outcome in world::OUTCOMES {
        assert!(all.of(outcome) > 0, "no connection was {outcome:?}");
    }
    assert!(all.of(Outcome::Served) > 100);
    assert!(all.spared > 0, "nobody paid while it was to make room");
    assert!(all.lingering > 0, "nobody that lingered made room");
}
