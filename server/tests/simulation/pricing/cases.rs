//! Single attacks whose point is not in the table.

use std::net::IpAddr;
use std::time::Duration;

use powtcp_common::hashcash::Dialect;
use powtcp_server::time::Moment;

use super::attack::{Addresses, Hoarding, Rhythm, botnet, farm};
use super::honest::Arrivals;
use super::outcome::{Attack, BEGIN, END, Most, Outcome, at, attacked};
use super::server::{Setup, USUAL};
use super::tally::Side;
use super::world::{Actor, Stage, World};
use crate::random::Random;
use crate::{SeedPrinter, seed};

const HASH_RATE: f64 = 1e9;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(super) fn attack(setup: Setup, attack: Attack) -> Outcome {
    let seed = seed();
    let _seed = SeedPrinter(seed);
    attacked("case", HASH_RATE, setup, Random::new(seed), attack)
}

#[test]
fn hoarding_pays_only_without_the_faster_ageing() {
    let setup = Setup {
        ages: false,
        ..USUAL
    };
    for hoarding in [Hoarding::Puzzles, Hoarding::Stamps] {
        let outcome = attack(setup, botnet(1_000, hoarding));
        let (at_first, name) = (outcome.at_first(), hoarding);
        assert!(at_first > 3_000.0, "{name:?}: {at_first} a second");
    }
}

/// Clocks that leap by days, or go back by an hour, several times during an attack.
struct ClockJumps;

impl Actor for ClockJumps {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        const LEAPS: [u64; 6] = [0, 3 * 86_400, 3 * 86_400 - 3_600, 3 * 86_400, 10, 0];
        let second = now.since(Moment::START).as_secs();
        let leap = LEAPS[(second / 40) as usize % LEAPS.len()];
        stage.server.ahead = Duration::from_secs(leap);
        Some(now.after(Duration::from_secs(40)))
    }
}

#[test]
fn a_jump_of_the_clock_disturbs_the_price_for_seconds_only() {
    let jumpy: Attack = Box::new(|world, hash_rate| {
        world.enter(ClockJumps, Moment::START);
        farm(Addresses::Few(1_000), Rhythm::STEADY)(world, hash_rate);
    });
    let outcome = attack(USUAL, jumpy);
    for jump in (BEGIN + 20..END).step_by(40) {
        let calm_down = jump + 10..jump + 40;
        let served = outcome.tally.rate(Side::Attack, calm_down.clone());
        assert!(served <= 62.5, "{served} a second after {jump} s");
        let level = outcome.tally.mean_level(calm_down);
        let ideal = outcome.ideal();
        assert!(
            (ideal - 1.0..ideal + 1.5).contains(&level),
            "level {level} after {jump} s"
        );
    }
    assert!(outcome.calm_after() <= 180.0);
}

/// Requests puzzles and never solves one.
struct Asker(IpAddr);

impl Actor for Asker {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        (0..100).for_each(|_| {
            stage.ask(self.0, now);
        });
        Some(now.after(Duration::from_millis(100)))
    }
}

/// Returns the bits that clients at these addresses are asked for after four minutes of an attack.
fn prices(addresses: &[&str], enter: impl FnOnce(&mut World)) -> Vec<(u8, u8)> {
    let seed = seed();
    let _seed = SeedPrinter(seed);
    let mut world = World::new(USUAL, Random::new(seed));
    world.enter(Arrivals(USUAL.arrivals), Moment::START);
    enter(&mut world);
    world.run(at(END));
    let price = |address: &&str| {
        let price = world.stage.ask(ip(address), at(END)).price;
        (price.level.bits(), price.difficulty.bits())
    };
    addresses.iter().map(price).collect()
}

#[test]
fn a_source_that_only_asks_raises_no_price() {
    let asked = ["2001:db8:1:2::1", "2001:db8:1:3::1", "192.0.2.1"];
    let prices = prices(&asked, |world| {
        world.enter(Asker(ip(asked[0])), at(BEGIN));
    });
    assert_eq!(prices, [(18, 18); 3]);
}

/// All the hashes of an attack go into the surcharge of a single site.
#[test]
fn a_neighbour_that_pays_raises_the_price_of_its_site_a_little_and_of_no_other() {
    let asked = ["2001:db8:1:2::1", "2001:db8:2:2::1", "192.0.2.1"];
    let prices = prices(&asked, |world| {
        farm(Addresses::FreshInSite, Rhythm::STEADY)(world, HASH_RATE);
    });
    let surcharges: Vec<u8> = prices.iter().map(|(level, price)| price - level).collect();
    assert!((1..=2).contains(&surcharges[0]), "{prices:?}");
    assert_eq!(surcharges[1..], [0, 0], "{prices:?}");
}

#[test]
fn prices_in_the_powtcp_dialect_are_multiples_of_four_bits() {
    let setup = Setup {
        bits: (20, 40),
        dialect: Dialect::Powtcp,
        ..USUAL
    };
    let outcome = attack(setup, botnet(1_000, Hoarding::No));
    let levels = &outcome.tally.levels;
    assert!(levels.iter().all(|level| [20, 24, 28].contains(level)));
    outcome.assert_bounds(Most {
        at_first: 300.0,
        steady: 62.5,
    });
}

/// More than half of the target rate, so that their stamps alone prove enough work for a level that was
/// rounded up.
#[test]
fn many_honest_clients_do_not_keep_the_price_up_after_an_attack() {
    for (least, dialect) in [(18, Dialect::Hashcash), (20, Dialect::Powtcp)] {
        let setup = Setup {
            bits: (least, 40),
            dialect,
            arrivals: 30.0,
            ..USUAL
        };
        let outcome = attack(setup, farm(Addresses::Few(1_000), Rhythm::STEADY));
        let highest = outcome.tally.highest_level(BEGIN..END);
        assert!(highest >= 24, "{highest} bits");
        let later = outcome.tally.level_at(END + 200);
        assert!(later <= 20, "still {later} bits of {highest}");
    }
}
