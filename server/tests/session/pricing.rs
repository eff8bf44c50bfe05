//! Guards the price of a puzzle: its formula, its rounding in each dialect, and that no clock, no source and
//! no number makes it leave its range. Attackers are in `tests/simulation/pricing`.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_server::admission::{Price, Pricing, Source};
use powtcp_server::time::Moment;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const KEY: [u8; 32] = [7; 32];
const TTL: Duration = Duration::from_secs(60);

fn bits(bits: u32) -> Difficulty {
    Difficulty::from_bits(bits).expect("fewer bits than SHA-1 has")
}

fn range(least: u32, greatest: u32) -> RangeInclusive<Difficulty> {
    bits(least)..=bits(greatest)
}

fn source(number: u32) -> Source {
    IpAddr::V4(Ipv4Addr::from_bits(number)).into()
}

fn at(millis: u64) -> Moment {
    Moment::new(Duration::from_millis(millis))
}

/// Serves `count` stamps of this level to as many sources at once. While none has decayed, each
/// counts as half a stamp a second.
fn serve(pricing: &mut Pricing, count: u32, level: u32, now: Moment) {
    (0..count).for_each(|number| pricing.served(source(number), bits(level), 1.0, now));
}

fn price(pricing: &Pricing, free_share: f64) -> (u8, u8) {
    let Price { difficulty, level } = pricing.price(source(u32::MAX), free_share, at(0));
    (level.bits(), difficulty.bits())
}

#[test]
fn a_server_that_has_served_nothing_asks_for_the_least_difficulty() {
    for dialect in [Dialect::Hashcash, Dialect::Powtcp] {
        let pricing = Pricing::new(range(20, 40), 50, dialect, KEY);
        assert_eq!(price(&pricing, 1.0), (20, 20));
        assert_eq!(pricing.proven_work(at(0)), Some(0.0));
    }
}

#[test]
fn the_level_is_that_at_which_the_proven_work_buys_the_target_rate() {
    let mut pricing = Pricing::new(range(10, 40), 50, Dialect::Hashcash, KEY);
    serve(&mut pricing, 100, 10, at(0));
    assert_eq!(pricing.proven_work(at(0)), Some(50.0 * 1024.0));
    assert_eq!(price(&pricing, 1.0), (10, 10));
    serve(&mut pricing, 1, 10, at(0));
    assert_eq!(price(&pricing, 1.0), (11, 11));
    assert_eq!(pricing.level(1.0, at(0)), bits(11));
}

#[test]
fn a_stamp_counts_no_more_than_is_asked_now() {
    let mut pricing = Pricing::new(range(10, 40), 50, Dialect::Hashcash, KEY);
    let mut count = |count, level| {
        let before = pricing.proven_work(at(0));
        serve(&mut pricing, count, level, at(0));
        pricing
            .proven_work(at(0))
            .zip(before)
            .map(|(after, before)| after - before)
    };
    // Below the target rate the least difficulty, and then what the level is before it is rounded.
    assert_eq!(count(100, 40), Some(50.0 * 1024.0));
    assert_eq!(count(50, 10), Some(25.0 * 1024.0));
    assert_eq!(count(1, 11), Some(1.5 * 1024.0 / 2.0));
    // With a quarter of the relays free, four times as much is asked.
    pricing.served(source(1), bits(40), 0.25, at(0));
    let expected = 75.0 * 1024.0 * (1.0 + 0.01) * (1.0 + 0.04);
    let work = pricing.proven_work(at(0)).expect("an adaptive price");
    assert!(
        (work / expected - 1.0).abs() < 1e-9,
        "{work} is not {expected}"
    );
}

#[test]
fn each_halving_of_the_free_relays_costs_a_bit_more_until_a_sixteenth_is_left() {
    let mut pricing = Pricing::new(range(10, 40), 50, Dialect::Hashcash, KEY);
    serve(&mut pricing, 100, 10, at(0));
    for (free_share, level) in [
        (1.0, 10),
        (0.9, 11),
        (0.5, 11),
        (0.25, 12),
        (1.0 / 16.0, 14),
        (1.0 / 64.0, 14),
        (0.0, 14),
        (-1.0, 14),
        (9.0, 10),
    ] {
        assert_eq!(price(&pricing, free_share), (level, level), "{free_share}");
    }
}

#[test]
fn a_source_pays_a_bit_more_for_each_doubling_and_others_do_not() {
    let mut pricing = Pricing::new(range(18, 24), 1_000_000, Dialect::Hashcash, KEY);
    let mut asked = Vec::new();
    for _ in 0..20_000 {
        let now = pricing.price(source(1), 1.0, at(0));
        assert_eq!(now.level, bits(18));
        if asked.last() != Some(&now.difficulty) {
            asked.push(now.difficulty);
        }
        pricing.served(source(1), bits(18), 1.0, at(0));
    }
    assert_eq!(asked, (18..=24).map(bits).collect::<Vec<_>>());
    assert_eq!(price(&pricing, 1.0), (18, 18));
    let half_an_hour_later = pricing.price(source(1), 1.0, at(1_800_000));
    assert_eq!(half_an_hour_later.difficulty, bits(18));
}

#[test]
fn the_powtcp_dialect_rounds_up_to_hex_digits() {
    for (count, level) in [(100, 20), (101, 24), (1_600, 24), (1_601, 28), (99_999, 28)] {
        let mut pricing = Pricing::new(range(20, 28), 50, Dialect::Powtcp, KEY);
        serve(&mut pricing, count, 20, at(0));
        assert_eq!(price(&pricing, 1.0), (level, level), "{count} stamps");
    }
    let mut pricing = Pricing::new(range(20, 28), 50, Dialect::Powtcp, KEY);
    (0..90).for_each(|_| pricing.served(source(1), bits(20), 1.0, at(0)));
    let price = pricing.price(source(1), 1.0, at(0));
    assert_eq!((price.level, price.difficulty), (bits(20), bits(24)));
}

#[test]
fn a_puzzle_ages_by_what_its_source_would_be_asked_now() {
    let mut pricing = Pricing::new(range(18, 40), 50, Dialect::Hashcash, KEY);
    (0..90).for_each(|_| pricing.served(source(1), bits(18), 1.0, at(0)));
    let ttl = |number, paid| pricing.ttl_of(bits(paid), source(number), 1.0, at(0), TTL);
    assert_eq!(ttl(1, 18), TTL / 2);
    assert_eq!(ttl(1, 19), TTL);
    assert_eq!(ttl(2, 18), TTL);
    assert_eq!(ttl(2, 17), TTL / 2);
    let busy = pricing.ttl_of(bits(18), source(2), 1.0 / 16.0, at(0), TTL);
    assert_eq!(busy, TTL / 16);
}

#[test]
fn a_fixed_price_counts_nothing() {
    for (least, greatest) in [(20, 20), (20, 18)] {
        let mut pricing = Pricing::new(range(least, greatest), 1, Dialect::Hashcash, KEY);
        assert!(matches!(pricing, Pricing::Fixed(_)));
        serve(&mut pricing, 10_000, 60, at(0));
        assert_eq!(price(&pricing, 0.0), (20, 20));
        assert_eq!(pricing.level(0.0, at(0)), bits(20));
        assert_eq!(pricing.proven_work(at(0)), None);
        assert_eq!(pricing.ttl_of(bits(1), source(1), 0.0, at(0), TTL), TTL);
    }
    assert!(size_of::<Pricing>() <= 16);
}

proptest! {
    #[test]
    fn no_clock_and_no_number_makes_a_price_leave_its_range(
        dialect in select(vec![Dialect::Hashcash, Dialect::Powtcp]),
        target_rate in select(vec![0, 1, 50, 1_000_000]),
        free_share in select(vec![0.0, 0.3, 1.0, -1.0, 7.0, f64::NAN, f64::INFINITY]),
        steps in vec((any::<u64>(), 0..3_u32, 0..=160_u32, 0..64_u32), 1..100),
    ) {
        let unit = dialect.bits_per_unit();
        let mut pricing = Pricing::new(range(20, 40), target_rate, dialect, KEY);
        for (nanos, number, level, shift) in steps {
            // Small and large jumps, forth and back.
            let now = Moment::new(Duration::from_nanos(nanos >> shift));
            pricing.served(source(number), bits(level), free_share, now);
            for asked_at in [now, Moment::START, Moment::new(Duration::MAX)] {
                let work = pricing.proven_work(asked_at).expect("an adaptive price");
                prop_assert!(work >= 0.0 && work.is_finite());
                let price = pricing.price(source(number), free_share, asked_at);
                prop_assert_eq!(price.level, pricing.level(free_share, asked_at));
                prop_assert!(bits(20) <= price.level && price.level <= price.difficulty);
                prop_assert!(price.difficulty <= bits(40));
                prop_assert_eq!(price.difficulty.bits() % unit + price.level.bits() % unit, 0);
                let ttl = pricing.ttl_of(bits(20), source(number), free_share, asked_at, TTL);
                prop_assert!((Duration::from_secs(2)..=TTL).contains(&ttl));
            }
        }
    }
}
