//! Relays on a virtual network: clients that pay, and services that accept, refuse, stall, read slowly and
//! leave in every way. The invariants in `checks` must hold after every step.

mod checks;
mod client;
mod finish;
mod link;
mod peer;
mod socket;
mod turns;
mod upstream;
mod world;

use std::hash::{BuildHasher, RandomState};

use powtcp_server::relay::Ending;

use crate::SeedPrinter;
use crate::random::Random;
use finish::Tally;
use world::World;

/// Worlds in a run.
const WORLDS: u64 = 32;
/// Clients that arrive in each world.
const NEWCOMERS: usize = 60;

fn simulate(seed: u64) -> Tally {
    let _seed = SeedPrinter(seed);
    let mut world = World::new(Random::new(seed));
    world.run(NEWCOMERS);
    world.shut_down();
    world.check_end()
}

#[test]
fn relays_keep_their_promises_with_random_peers() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        let tally = simulate(seed.parse().expect("SIMULATION_SEED is a number"));
        return println!("{tally:?}");
    }
    let first = RandomState::new().hash_one("a new seed for every run");
    let mut all = Tally::default();
    for seed in 0..WORLDS {
        all += simulate(first.wrapping_add(seed));
    }
    // A case that never occurs is not tested.
    for ending in Ending::ALL {
        let count = all.endings[ending as usize];
        assert!(count > 0, "no relay ended by {ending:?}: {all:?}");
    }
    let rare = [all.second_address, all.busy];
    let counts = rare.iter().chain(&all.retried).chain(&all.stamps);
    assert!(counts.min() > Some(&0), "{all:?}");
}
