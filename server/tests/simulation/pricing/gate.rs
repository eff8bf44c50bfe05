//! A gate with real sessions: what fills its relays raises the price, and what is given back does not.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use powtcp_server::time::Moment;

use super::attack::{Addresses, Hoarding, Rhythm, botnet, farm};
use super::cases::attack;
use super::outcome::{Attack, BEGIN, END, LAST, at};
use super::server::{Puzzle, Setup, USUAL, Upstream};
use super::tally::Side;
use super::world::{Actor, Stage, World};

const FEWER_BITS: u32 = 17;

fn gate(relays: u32) -> Setup {
    Setup {
        relays: Some(relays),
        ..USUAL.with_sessions(FEWER_BITS)
    }
}

/// Changes what comes of connecting clients to the upstream.
struct Change(Upstream);

impl Actor for Change {
    fn act(&mut self, stage: &mut Stage, _now: Moment) -> Option<Moment> {
        stage.server.upstream = self.0;
        None
    }
}

#[test]
fn the_price_rises_as_relays_fill() {
    // At the target rate it would be full after 160 s.
    let outcome = attack(gate(8_000), farm(Addresses::Few(1_000), Rhythm::STEADY));
    let served = |side, second| outcome.tally.rate(side, 0..second) * second as f64;
    let held = |second| served(Side::Attack, second) + served(Side::Honest, second);
    assert!(held(END) < 0.9 * 8_000.0, "{} relays", held(END));
    assert!(outcome.steady() < 25.0);
    assert!(outcome.level() > outcome.ideal() + 0.5);
}

/// Presents one stamp again and again, ten times in each tenth of a second, until it is served.
struct Repeater(Option<Puzzle>);

impl Actor for Repeater {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let is_old = |puzzle: &Puzzle| now.since(puzzle.asked) > Duration::from_secs(50);
        let puzzle = match self.0 {
            Some(puzzle) if !is_old(&puzzle) => puzzle,
            _ => stage.ask(address, now),
        };
        self.0 = Some(puzzle);
        for _ in 0..10 {
            if stage.present(Side::Attack, &puzzle, now) {
                return None;
            }
        }
        Some(now.after(Duration::from_millis(100)))
    }
}

#[test]
fn stamps_that_an_upstream_refuses_raise_no_price_however_often_they_come() {
    let refused: Attack = Box::new(|world: &mut World, hash_rate| {
        world.enter(Change(Upstream::Refuses), at(BEGIN));
        world.enter(Repeater(None), at(BEGIN));
        world.enter(Change(Upstream::Connects), at(END - 30));
        // Four times the target rate at the least price.
        botnet(10, Hoarding::No)(world, hash_rate / 20.0);
    });
    // Few honest clients, because they try again at once.
    let setup = Setup {
        arrivals: 0.05,
        ..gate(1_000_000)
    };
    let outcome = attack(setup, refused);
    let served = outcome.tally.rate(Side::Attack, BEGIN..END - 31);
    assert_eq!(served, 0.0, "the upstream refuses");
    let [least, highest] =
        [BEGIN..END - 31, END - 20..END].map(|seconds| outcome.tally.highest_level(seconds));
    assert_eq!(u32::from(least), gate(1).bits.0);
    assert!(highest > least, "and then it connects");
}

#[test]
fn clients_that_leave_before_the_upstream_is_connected_raise_the_price() {
    let left: Attack = Box::new(|world: &mut World, hash_rate| {
        world.enter(Change(Upstream::IsLeft), at(BEGIN));
        farm(Addresses::Few(1_000), Rhythm::STEADY)(world, hash_rate);
    });
    // As they hold no relays, the price is that of a server without a gate.
    let outcome = attack(gate(1_000), left);
    assert!(outcome.steady() <= 62.5, "{}", outcome.steady());
    let (level, ideal) = (outcome.level(), outcome.ideal());
    assert!((ideal - 0.5..ideal + 1.5).contains(&level), "level {level}");
    assert_eq!(outcome.tally.level_at(LAST - 1), 1);
}
