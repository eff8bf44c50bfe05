//! Guards the price: the real pricing against attackers that know its rules, on a virtual clock.
//!
//! `cargo test -p powtcp-server --test simulation pricing::attackers -- --nocapture` prints a table of
//! what each attack achieves.

mod attack;
mod cases;
mod honest;
mod outcome;
mod server;
mod tally;
mod world;

use std::thread;

use crate::random::Random;
use crate::{SeedPrinter, seed};
use attack::{Addresses, Hoarding, Rhythm, botnet, farm};
use outcome::{Attack, HEADER, Outcome, attacked};
use server::{Setup, USUAL};

const CPUS: f64 = 1e9;
const GRAPHICS_CARD: f64 = 5e10;

const TARGET_500: Setup = Setup {
    target_rate: 500,
    ..USUAL
};
/// An attack, its hash rate, and the greatest rate that it may be served at during its first ten seconds.
type Row = (&'static str, f64, Setup, f64, Attack);

fn rows() -> Vec<Row> {
    use Addresses::{Few, Fresh, FreshInSite};
    use Hoarding::{No, Puzzles, Stamps};
    use Rhythm::{Pulses, SavedPulses, Steady};
    let thousand = Few(1_000);
    let card = GRAPHICS_CARD;
    vec![
        ("1 source", CPUS, USUAL, 150.0, botnet(1, No)),
        ("1,000 sources", CPUS, USUAL, 400.0, botnet(1_000, No)),
        (
            "1,000 sources, one machine",
            CPUS,
            USUAL,
            150.0,
            farm(thousand, Steady),
        ),
        ("1 source", card, USUAL, 200.0, botnet(1, No)),
        ("3,000 sources", card, USUAL, 1_200.0, botnet(3_000, No)),
        (
            "3,000 sources, one machine",
            card,
            USUAL,
            250.0,
            farm(Few(3_000), Steady),
        ),
        ("3 sources, T = 500", CPUS, TARGET_500, 700.0, botnet(3, No)),
        (
            "a new source each time",
            CPUS,
            USUAL,
            150.0,
            farm(Fresh, Steady),
        ),
        (
            "a new source of one /48 each time",
            CPUS,
            USUAL,
            150.0,
            farm(FreshInSite, Steady),
        ),
        (
            "1,000 sources, 2 s on, 10 s off",
            CPUS,
            USUAL,
            150.0,
            farm(thousand, Pulses),
        ),
        (
            "the same, solving while off",
            CPUS,
            USUAL,
            150.0,
            farm(thousand, SavedPulses),
        ),
        (
            "1,000 sources, 60 hoarded puzzles each",
            CPUS,
            USUAL,
            500.0,
            botnet(1_000, Puzzles),
        ),
        (
            "1,000 sources, 60 hoarded stamps each",
            CPUS,
            USUAL,
            600.0,
            botnet(1_000, Stamps),
        ),
    ]
}

#[test]
fn attackers_get_little_more_than_the_target_rate() {
    let seed = seed();
    let _seed = SeedPrinter(seed);
    let outcomes: Vec<(f64, Outcome)> = thread::scope(|scope| {
        let run = |(number, (name, hash_rate, setup, most_at_first, attack)): (usize, Row)| {
            let random = Random::new(seed.wrapping_add(number as u64));
            let run = move || attacked(name, hash_rate, setup, random, attack);
            (most_at_first, scope.spawn(run))
        };
        let running: Vec<_> = rows().into_iter().enumerate().map(run).collect();
        let joined = running.into_iter();
        let end = |(most, outcome): (_, thread::ScopedJoinHandle<'_, _>)| {
            (most, outcome.join().expect("a world that runs to its end"))
        };
        joined.map(end).collect()
    });
    println!("seed {seed}\n{HEADER}");
    for (_, outcome) in &outcomes {
        println!("{outcome}");
    }
    for (most_at_first, outcome) in &outcomes {
        outcome.assert_bounds(*most_at_first);
    }
}
