//! Relays on a virtual network: clients that pay, and services that accept, refuse, stall, read slowly and
//! leave in every way. The invariants in `checks` must hold after every step.

mod checks;
mod client;
mod link;
mod peer;
mod upstream;
mod world;

use std::hash::{BuildHasher, RandomState};

use powtcp_server::relay::Ending;

use crate::SeedPrinter;
use crate::random::Random;
use world::World;

/// Worlds in a run.
const WORLDS: u64 = 24;
/// Clients that arrive in each world.
const NEWCOMERS: usize = 60;

/// Returns how many relays ended in each way.
fn simulate(seed: u64) -> [u64; Ending::ALL.len()] {
    let _seed = SeedPrinter(seed);
    let mut world = World::new(Random::new(seed));
    world.run(NEWCOMERS);
    world.shut_down();
    world.check_end();
    world.endings()
}

#[test]
fn relays_keep_their_promises_with_random_peers() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        let endings = simulate(seed.parse().expect("SIMULATION_SEED is a number"));
        return println!("{endings:?}");
    }
    let first = RandomState::new().hash_one("a new seed for every run");
    let mut all = [0; Ending::ALL.len()];
    for seed in 0..WORLDS {
        let endings = simulate(first.wrapping_add(seed));
        for (sum, more) in all.iter_mut().zip(endings) {
            *sum += more;
        }
    }
    // A case that never occurs is not tested.
    for ending in Ending::ALL {
        assert!(all[ending as usize] > 0, "no relay ended by {ending:?}");
    }
}
