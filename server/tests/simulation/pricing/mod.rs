//! Guards the price: the real pricing against attackers that know its rules, on a virtual clock.
//!
//! `cargo test -p powtcp-server --test simulation pricing::attackers -- --nocapture` prints a table of
//! what each attack achieves.

mod attack;
mod cases;
mod gate;
mod honest;
mod outcome;
mod real;
mod server;
mod sessions;
mod tally;
mod world;

use std::thread::{self, ScopedJoinHandle};

use crate::random::Random;
use crate::{SeedPrinter, seed};
use attack::{Addresses, Hoarding, Rhythm, botnet, farm};
use outcome::{Attack, HEADER, Most, Outcome, attacked};
use server::{Setup, USUAL};

const CPUS: f64 = 1e9;
const GRAPHICS_CARD: f64 = 5e10;

/// A row of the table.
struct Row {
    name: &'static str,
    hash_rate: f64,
    setup: Setup,
    attack: Attack,
    most: Most,
}

fn row(name: &'static str, hash_rate: f64, at_first: f64, attack: Attack) -> Row {
    Row {
        name,
        hash_rate,
        setup: USUAL,
        attack,
        most: Most {
            at_first,
            steady: 1.25 * f64::from(USUAL.target_rate),
        },
    }
}

fn rows() -> Vec<Row> {
    use Addresses::{Few, Fresh, FreshInSite};
    use Hoarding::{No, Puzzles, Stamps};
    let [steady, pulses, saved] = [Rhythm::STEADY, Rhythm::PULSES, Rhythm::SAVED_PULSES];
    let thousand = Few(1_000);
    let card = GRAPHICS_CARD;
    let mut three = row("3 sources, T = 500", CPUS, 700.0, botnet(3, No));
    three.setup.target_rate = 500;
    three.most.steady = 625.0;
    let name = "1,000 sources, 4 s of stamps at once every 60 s";
    let mut bursts = row(name, CPUS, 150.0, farm(thousand, Rhythm::BURSTS));
    // All puzzles of the last 2 s at the least price, because no puzzle expires earlier.
    bursts.most.steady = 1.1 * 2.0 * CPUS / f64::from(1 << USUAL.bits.0) / 60.0;
    let site = "a new source of one /48 each time";
    let rest = "1,000 sources, 2 s on, 10 s off";
    let puzzles = "1,000 sources, 60 hoarded puzzles each";
    let stamps = "1,000 sources, 60 hoarded stamps each";
    let machine = "1,000 sources, one machine";
    let machine_3 = "3,000 sources, one machine";
    vec![
        row("1 source", CPUS, 150.0, botnet(1, No)),
        row("1,000 sources", CPUS, 400.0, botnet(1_000, No)),
        row(machine, CPUS, 150.0, farm(thousand, steady)),
        row("1 source", card, 200.0, botnet(1, No)),
        row("3,000 sources", card, 1_200.0, botnet(3_000, No)),
        row(machine_3, card, 250.0, farm(Few(3_000), steady)),
        three,
        row("a new source each time", CPUS, 150.0, farm(Fresh, steady)),
        row(site, CPUS, 150.0, farm(FreshInSite, steady)),
        row(rest, CPUS, 150.0, farm(thousand, pulses)),
        row(
            "the same, solving while off",
            CPUS,
            150.0,
            farm(thousand, saved),
        ),
        bursts,
        row(puzzles, CPUS, 500.0, botnet(1_000, Puzzles)),
        row(stamps, CPUS, 600.0, botnet(1_000, Stamps)),
    ]
}

#[test]
fn attackers_get_little_more_than_the_target_rate() {
    let seed = seed();
    let _seed = SeedPrinter(seed);
    let outcomes: Vec<(Most, Outcome)> = thread::scope(|scope| {
        let run = |(number, row): (u64, Row)| {
            let random = Random::new(seed.wrapping_add(number));
            let world = move || attacked(row.name, row.hash_rate, row.setup, random, row.attack);
            (row.most, scope.spawn(world))
        };
        let running: Vec<_> = (0..).zip(rows()).map(run).collect();
        let end = |(most, world): (Most, ScopedJoinHandle<'_, Outcome>)| {
            (most, world.join().expect("a world that runs to its end"))
        };
        running.into_iter().map(end).collect()
    });
    println!("seed {seed}\n{HEADER}");
    for (_, outcome) in &outcomes {
        println!("{outcome}");
    }
    for (most, outcome) in &outcomes {
        outcome.assert_bounds(*most);
    }
}
