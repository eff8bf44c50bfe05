//! One attack, from before its begin until long after its end, and what it achieved.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use powtcp_server::time::Moment;

use super::honest::Arrivals;
use super::server::Setup;
use super::tally::{Side, Tally};
use super::world::World;
use crate::random::Random;

/// When the attack begins and ends, and when a world ends, in seconds.
pub(crate) const BEGIN: u64 = 60;
pub(crate) const END: u64 = 300;
pub(crate) const LAST: u64 = 540;

/// The seconds of the attack that count as steady: whole pulses.
const STEADY: Range<u64> = 180..END;

/// Adds attackers with this many hashes a second in total to a world.
pub(crate) type Attack = Box<dyn FnOnce(&mut World, f64) + Send>;

pub(crate) fn at(second: u64) -> Moment {
    Moment::new(Duration::from_secs(second))
}

/// The greatest rates at which attackers may be served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    /// During the first ten seconds.
    pub(crate) at_first: f64,
    pub(crate) steady: f64,
}

/// What an attack achieved.
pub(crate) struct Outcome {
    name: String,
    hash_rate: f64,
    setup: Setup,
    pub(crate) tally: Tally,
}

/// Runs a world of honest clients and attackers.
pub(crate) fn attacked(
    name: &str,
    hash_rate: f64,
    setup: Setup,
    random: Random,
    attack: Attack,
) -> Outcome {
    let mut world = World::new(setup, random);
    world.enter(Arrivals(setup.arrivals), Moment::START);
    attack(&mut world, hash_rate);
    world.run(at(LAST));
    Outcome {
        name: name.to_string(),
        hash_rate,
        setup,
        tally: world.stage.tally,
    }
}

pub(crate) const HEADER: &str = "\
| hashes a second | attack | served a second, first 10 s | next 10 s | steady | level, steady (ideal) \
| highest | honest clients served | their median wait | level 60 s after | seconds until calm |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

impl Outcome {
    /// Returns the level at which the whole work of the attack buys the target rate.
    pub(crate) fn ideal(&self) -> f64 {
        (self.hash_rate / self.setup.scale() / f64::from(self.setup.target_rate)).log2()
    }

    pub(crate) fn at_first(&self) -> f64 {
        self.tally.rate(Side::Attack, BEGIN..BEGIN + 10)
    }

    pub(crate) fn steady(&self) -> f64 {
        self.tally.rate(Side::Attack, STEADY)
    }

    pub(crate) fn level(&self) -> f64 {
        self.tally.mean_level(STEADY)
    }

    pub(crate) fn calm_after(&self) -> f64 {
        self.tally.calm_after(END, self.setup.bits.0 as u8)
    }

    #[track_caller]
    pub(crate) fn assert_bounds(&self, most: Most) {
        let Self { name, .. } = self;
        let at_first = self.at_first();
        assert!(at_first <= most.at_first, "{name}: {at_first} at first");
        let steady = self.steady();
        assert!(steady <= most.steady, "{name}: {steady} a second");
        let (level, ideal) = (self.level(), self.ideal());
        assert!(level <= ideal + 1.5, "{name}: level {level}");
        let (before, _) = self.tally.honest(0..BEGIN);
        assert_eq!(before, 1.0, "{name}: honest clients before the attack");
        let level_before = self.tally.highest_level(0..BEGIN);
        assert_eq!(u32::from(level_before), self.setup.bits.0, "{name}");
        let calm_after = self.calm_after();
        let highest = self.tally.highest_level(BEGIN..LAST);
        let rise = u32::from(highest) - self.setup.bits.0;
        let longest = if rise <= 7 { 180.0 } else { 239.0 };
        assert!(calm_after <= longest, "{name}: calm after {calm_after} s");
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let (share, wait) = tally.honest(STEADY);
        write!(
            f,
            "| {:.0e} | {} | {:.0} | {:.0} | {:.0} | {:.1} ({:.1}) | {} | {:.0} % | {:.2} s | {} | {:.0} |",
            self.hash_rate,
            self.name,
            self.at_first(),
            tally.rate(Side::Attack, BEGIN + 10..BEGIN + 20),
            self.steady(),
            self.level(),
            self.ideal(),
            tally.highest_level(BEGIN..LAST),
            share * 100.0,
            wait,
            tally.level_at(END + 60),
            self.calm_after(),
        )
    }
}
