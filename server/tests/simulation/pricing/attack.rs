//! Attackers. All of them know the rules, and drop a puzzle that is no longer worth solving.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use powtcp_server::admission::aged_ttl;
use powtcp_server::time::Moment;

use super::outcome::{Attack, BEGIN, END, at};
use super::server::{Puzzle, TTL};
use super::tally::Side;
use super::world::{Actor, Stage};
use crate::random::Random;

/// How long an attacker searches before it asks for the price again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Which addresses an attacker comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Addresses {
    /// A number of IPv4 addresses.
    Few(u32),
    /// Another /64 each time, all within one /48.
    FreshInSite,
    /// Another address each time, anywhere.
    Fresh,
}

impl Addresses {
    /// Returns the address for a puzzle.
    pub(crate) fn address(self, number: u64, random: &mut Random) -> IpAddr {
        let site = 0x2001_0db8_0001 << 80;
        match self {
            Self::Few(count) => {
                let number = (number % u64::from(count)) as u32;
                Ipv4Addr::from_bits(10 << 24 | number).into()
            }
            Self::FreshInSite => {
                Ipv6Addr::from_bits(site | u128::from(random.next() as u16) << 64).into()
            }
            Self::Fresh => Ipv6Addr::from_bits(1 << 125 | u128::from(random.next()) << 61).into(),
        }
    }
}

/// When an attacker solves puzzles and when it presents its stamps. Periods begin with the attack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    period: Duration,
    /// From the begin of each period it presents its stamps for so long.
    presents: Duration,
    /// Before the begin of a period it solves puzzles for so long, and whenever it presents stamps.
    solves_ahead: Duration,
}

impl Rhythm {
    pub(crate) const STEADY: Self = Self::every(1, 1_000, 0);
    /// It works for 2 s, then rests for 10 s.
    pub(crate) const PULSES: Self = Self::every(12, 2_000, 0);
    /// It works all the time, and presents what it has for 2 of 12 s.
    pub(crate) const SAVED_PULSES: Self = Self::every(12, 2_000, 10);

    /// It solves for 4 s before it presents all at once. It rests until the price has come down.
    pub(crate) const BURSTS: Self = Self::every(60, 1, 4);

    const fn every(seconds: u64, presents: u64, solves_ahead: u64) -> Self {
        Self {
            period: Duration::from_secs(seconds),
            presents: Duration::from_millis(presents),
            solves_ahead: Duration::from_secs(solves_ahead),
        }
    }

    fn phase(self, now: Moment) -> Phase {
        let nanos = now.since(at(BEGIN)).as_nanos() % self.period.as_nanos();
        let into_period = Duration::from_nanos(nanos as u64);
        let until_next = self.period - into_period;
        if into_period < self.presents {
            Phase::Presenting
        } else if until_next <= self.solves_ahead {
            Phase::Solving {
                end: now.after(until_next),
            }
        } else {
            Phase::Resting {
                end: now.after(until_next - self.solves_ahead),
            }
        }
    }
}

enum Phase {
    Presenting,
    Solving { end: Moment },
    Resting { end: Moment },
}

/// A botnet: machines that work for themselves, each with an address and an equal share of the hash rate.
pub(crate) fn botnet(sources: u32, hoarding: Hoarding) -> Attack {
    Box::new(move |world, hash_rate| {
        for number in 0..sources {
            let addresses = Addresses::Few(sources);
            let address = addresses.address(u64::from(number), &mut world.stage.random);
            let bot = Bot {
                hash_rate: hash_rate / f64::from(sources),
                address,
                hoarding,
                held: Vec::new(),
                is_solved: false,
            };
            world.enter(bot, Moment::START);
        }
    })
}

/// A farm with all the hash rate.
pub(crate) fn farm(addresses: Addresses, rhythm: Rhythm) -> Attack {
    Box::new(move |world, hash_rate| {
        let farm = Farm {
            hash_rate,
            addresses,
            rhythm,
            asked: 0,
            solving: None,
            saved: Vec::new(),
        };
        world.enter(farm, at(BEGIN));
    })
}

/// One machine, or many that share their work: they solve one puzzle at a time, so that its price is
/// always the newest.
struct Farm {
    hash_rate: f64,
    addresses: Addresses,
    rhythm: Rhythm,
    asked: u64,
    solving: Option<Puzzle>,
    /// Solved, but not presented yet.
    saved: Vec<Puzzle>,
}

impl Actor for Farm {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        if now >= at(END) || stage.server.is_full() {
            return None;
        }
        self.saved.extend(self.solving.take());
        let next_phase = match self.rhythm.phase(now) {
            Phase::Presenting => {
                // The newest first: the oldest are the first that are worth nothing.
                while let Some(puzzle) = self.saved.pop() {
                    stage.present(Side::Attack, &puzzle, now);
                }
                Moment::new(Duration::MAX)
            }
            Phase::Solving { end } => end,
            Phase::Resting { end } => return Some(end),
        };
        let address = self.addresses.address(self.asked, &mut stage.random);
        self.asked += 1;
        let puzzle = stage.ask(address, now);
        let solving = stage.solving_time(&puzzle, self.hash_rate);
        let solved = now.after(solving);
        let looks_again = now.after(LOOK_AGAIN).min(next_phase);
        if solved <= looks_again {
            self.solving = Some(puzzle);
        }
        Some(solved.min(looks_again))
    }
}

/// A machine of a botnet, with an address of its own.
struct Bot {
    hash_rate: f64,
    address: IpAddr,
    hoarding: Hoarding,
    /// Puzzles that may be cheaper than the next one, the newest last.
    held: Vec<Puzzle>,
    is_solved: bool,
}

/// Whether a bot requests puzzles before the attack, one each second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hoarding {
    #[default]
    No,
    /// It solves them during the attack.
    Puzzles,
    /// It has solved them by then.
    Stamps,
}

impl Actor for Bot {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        if now >= at(END) || stage.server.is_full() {
            return None;
        }
        if now < at(BEGIN) {
            if self.hoarding == Hoarding::No {
                return Some(at(BEGIN));
            }
            self.held.push(stage.ask(self.address, now));
            return Some(now.after(Duration::from_secs(1)).min(at(BEGIN)));
        }
        if std::mem::take(&mut self.hoarding) == Hoarding::Stamps {
            for stamp in std::mem::take(&mut self.held).iter().rev() {
                stage.present(Side::Attack, stamp, now);
            }
        }
        if std::mem::take(&mut self.is_solved)
            && let Some(puzzle) = self.held.pop()
        {
            stage.present(Side::Attack, &puzzle, now);
        }
        let fresh = stage.ask(self.address, now);
        let ages = stage.server.setup().ages;
        while self
            .held
            .pop_if(|newest| !is_worth_solving(newest, &fresh, ages, now))
            .is_some()
        {}
        let puzzle = *self.held.last().unwrap_or(&fresh);
        if self.held.is_empty() {
            self.held.push(puzzle);
        }
        // A search has no memory: one that is given up and begun again takes no longer.
        let solving = stage.solving_time(&puzzle, self.hash_rate);
        self.is_solved = solving <= LOOK_AGAIN;
        Some(now.after(solving.min(LOOK_AGAIN)))
    }
}

/// Returns whether an older puzzle is better than a fresh one of the same source.
fn is_worth_solving(held: &Puzzle, fresh: &Puzzle, ages: bool, now: Moment) -> bool {
    let (paid, asked_now) = (held.price.difficulty, fresh.price.difficulty);
    let ttl = if ages {
        aged_ttl(paid, asked_now, TTL)
    } else {
        TTL
    };
    paid <= asked_now && now.since(held.asked) < ttl
}
