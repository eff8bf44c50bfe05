//! Attacks on real sessions, at small difficulties. Everything else is as in the table of attacks, and so are
//! the bounds; `server` compares each price and each verdict with its model.

use std::thread;
use std::time::Duration;

use powtcp_common::hashcash::Dialect;
use powtcp_server::time::Moment;

use super::attack::{Addresses, Hoarding, Rhythm, botnet, farm};
use super::outcome::{Attack, BEGIN, END, Most, attacked};
use super::server::{Setup, USUAL};
use super::world::{Actor, Stage, World};
use crate::random::Random;
use crate::{SeedPrinter, seed};

const HASH_RATE: f64 = 1e9;
const LEAPS: &str = "leaps of the clock";

/// Clocks that leap by three days, several times during an attack, as after a machine was suspended.
struct Leaps;

impl Actor for Leaps {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        stage.server.ahead += Duration::from_secs(3 * 86_400);
        Some(now.after(Duration::from_secs(40)))
    }
}

fn leaping() -> Attack {
    Box::new(|world: &mut World, hash_rate| {
        world.enter(Leaps, Moment::START);
        farm(Addresses::Few(1_000), Rhythm::STEADY)(world, hash_rate);
    })
}

/// The name of an attack, the greatest rates that it may be served at, and what it consists of.
fn attacks() -> [(&'static str, f64, f64, Setup, Attack); 7] {
    use Hoarding::{No, Puzzles, Stamps};
    let hashcash = USUAL.with_sessions(17);
    let powtcp = Setup {
        dialect: Dialect::Powtcp,
        bits: (20, 40),
        ..USUAL
    };
    let powtcp = powtcp.with_sessions(16);
    let thousand = Addresses::Few(1_000);
    let steady = farm(thousand, Rhythm::STEADY);
    let bursts = farm(thousand, Rhythm::BURSTS);
    // As in the table: the puzzles of 2 s at the least price, once a minute.
    let burst_rate = 1.1 * 2.0 * HASH_RATE / f64::from(1 << USUAL.bits.0) / 60.0;
    [
        ("1 source", 150.0, 62.5, hashcash, botnet(1, No)),
        ("one machine", 150.0, 62.5, hashcash, steady),
        ("bursts", 150.0, burst_rate, hashcash, bursts),
        (
            "hoarded puzzles",
            500.0,
            62.5,
            hashcash,
            botnet(200, Puzzles),
        ),
        ("hoarded stamps", 600.0, 62.5, hashcash, botnet(200, Stamps)),
        ("powtcp dialect", 300.0, 62.5, powtcp, botnet(200, No)),
        (LEAPS, 150.0, 80.0, hashcash, leaping()),
    ]
}

#[test]
fn real_sessions_keep_attackers_within_the_bounds_of_the_table() {
    let seed = seed();
    let _seed = SeedPrinter(seed);
    thread::scope(|scope| {
        for (name, at_first, steady, setup, attack) in attacks() {
            scope.spawn(move || {
                let random = Random::new(seed);
                let outcome = attacked(name, HASH_RATE, setup, random, attack);
                let highest = u32::from(outcome.tally.highest_level(BEGIN..END));
                assert!(highest > setup.bits.0, "{name}: {highest} bits");
                if name == LEAPS {
                    // Each leap makes the price begin anew.
                    let served = outcome.steady();
                    assert!(served <= steady, "{name}: {served} a second");
                } else {
                    outcome.assert_bounds(Most { at_first, steady });
                }
            });
        }
    });
}
