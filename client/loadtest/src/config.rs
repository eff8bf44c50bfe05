//! What a user of the load test can set: the table of options, and the configuration that is read
//! from it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use powtcp_options::{Options, Program, Spec, UsageError, whole_number};

use crate::attack::{self, ATTACKS, Attack};
use crate::driver::dial::Target;

/// The command line of the load test.
pub const PROGRAM: Program = Program {
    name: "powtcp-loadtest",
    usage: "[OPTIONS] [ADDR]",
    about: "Puts a powtcp server on this machine under load and prints what that costs it.",
    version: env!("CARGO_PKG_VERSION"),
    options: OPTIONS,
};

#[rustfmt::skip] // One line for each option.
const OPTIONS: &[Spec] = &[
    Spec::optional("ADDR", "its own server", "a running server, loopback IP:PORT (POWTCP_SERVER)"),
    Spec::new("-n, --handshakes N", "50000", "handshakes to make"),
    Spec::new("-c, --concurrency N", "128", "handshakes in progress at once, or relays that carry traffic"),
    Spec::optional("--honest-rate N", RATES, "handshakes started per second for 5 s, 0 for none; of attacked clients"),
    Spec::optional("--sources N", "100, of a crowd 1500, of linger 4", "addresses of 127.0.0.0/8 to connect from"),
    Spec::new("--timeout DURATION", "10s", "a handshake that takes longer has failed, as has a run of relayed traffic"),
    Spec::optional("-b, --bits N", "1, under attack 16", "difficulty of its own server"),
    Spec::optional("--idle N", "5000, with --relay 2000", "idle connections or relays to hold at its own server"),
    Spec::optional("--program FILE", "powtcp-server beside this program", "the server to start"),
    Spec::switch("--proxied", "begin each connection as a balancer does: with a PROXY protocol header, which ADDR must accept"),
    Spec::switch("--relay", "measure relays through a gate of its own instead, and the same traffic without it"),
    Spec::optional("--attack NAME", "none", ATTACK_NAMES),
    Spec::new("--attack-connections N", "15000", "attacking connections at once"),
    Spec::optional("--attack-rate N", "2000, of crowd and linger 500", "attacking connections opened per second"),
    Spec::new("--attack-threads N", "1", "threads on which the attackers of paid solve"),
    Spec::optional("--attack-time DURATION", "5s, of paid 20s", "how long each attack lasts"),
];

const ATTACK_NAMES: &str = "all, silent, asked, slowloris, hoard, garbage, wrong-stamp, \
     never-read, churn, endless-line, crowd, linger or paid";
/// The default rates of honest clients, see [`Config::new`].
const RATES: &str = "500, with ADDR 0, under attack 100, of paid 10";

/// The attack that is none of [`ATTACKS`]: it has a table of its own, so `all` does not include it.
const PAID: &str = "paid";

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// A puzzle that takes a client a few milliseconds: the test measures the server, not the solver.
const ATTACKED_BITS: u32 = 16;
/// Honest clients per second: at 16 bits they keep a quarter of a processor busy with solving.
const ATTACKED_RATE: u32 = 100;
/// Honest clients per second beside attackers that pay: far fewer than the server's target rate, so that
/// it is the attackers who raise the price.
const RATE_BESIDE_PAID: u32 = 10;
/// How long an attack takes.
const ATTACK_TIME: Duration = Duration::from_secs(5);
/// How long an attack takes whose price settles in the first half.
const PAID_TIME: Duration = Duration::from_secs(20);
/// Handshakes per second at a fixed rate: far below what a server can do, so that no queue builds up.
const SCHEDULED_RATE: u32 = 500;
/// Idle connections to hold.
const IDLE: usize = 5000;
/// Idle relays to hold: each takes two descriptors of this process and two of the gate.
const IDLE_RELAYS: usize = 2000;
/// Addresses that a load comes from.
pub(crate) const SOURCES: u32 = 100;

/// The validated options of a load test.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server; `None` to start one.
    pub address: Option<SocketAddr>,
    /// Handshakes to make.
    pub handshakes: usize,
    /// Handshakes in progress at once, or relays that carry traffic.
    pub concurrency: usize,
    /// Handshakes that start per second at a fixed rate, after the others or during an attack.
    pub rate: u32,
    /// Addresses to connect from, if not the default: each has about 28,000 ports, and a used one stays
    /// in TIME_WAIT.
    pub sources: Option<u32>,
    /// How long a handshake may take.
    pub timeout: Duration,
    /// Difficulty of a server that the test starts.
    pub bits: u32,
    /// Connections or relays of the idle phase.
    pub idle: usize,
    /// The server to start, if not the one beside this program.
    pub program: Option<PathBuf>,
    /// Whether connections begin with a PROXY protocol header, as behind a balancer.
    pub proxied: bool,
    /// Whether to measure relays, instead of the other phases.
    pub relay: bool,
    /// How to attack, instead of the other phases.
    pub(crate) attack: Option<AttackPlan>,
    /// Whether attackers pay, instead of the other phases.
    pub(crate) paid: Option<PaidPlan>,
}

/// What `--attack` names.
#[derive(Debug, Clone, Copy)]
enum Campaign {
    Unpaid(&'static [Attack]),
    Paid,
}

/// Attackers that pay.
#[derive(Debug, Clone)]
pub(crate) struct PaidPlan {
    /// Threads on which they solve.
    pub(crate) threads: usize,
    /// How long each of the two attacks lasts.
    pub(crate) time: Duration,
}

/// The attacks to make, one after the other, and their strength.
#[derive(Debug, Clone)]
pub(crate) struct AttackPlan {
    pub(crate) attacks: &'static [Attack],
    /// Attacking connections at once.
    pub(crate) connections: usize,
    /// Attacking connections opened per second, after those that are opened at once, if not the
    /// attack's own rate.
    pub(crate) rate: Option<u32>,
    /// How long each attack lasts.
    pub(crate) time: Duration,
}

impl Config {
    /// Validates the options.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub fn new(options: &Options) -> Result<Self, UsageError> {
        let names: Vec<_> = ATTACKS.iter().map(|attack| attack.name).collect();
        let names = format!("all, {}, {PAID}", names.join(", "));
        let connections = options.number("--attack-connections", 1..=100_000)?;
        let attack_rate = options.optional_number("--attack-rate", 1..=100_000)?;
        let threads = options.number("--attack-threads", 1..=64)?;
        let time = options.optional_duration("--attack-time", SHORTEST..=LONGEST)?;
        let campaign = options.value("--attack", &names, |name| match name {
            PAID => Some(Campaign::Paid),
            _ => attack::named(name).map(Campaign::Unpaid),
        })?;
        let address = options.value("ADDR", "a loopback IP:PORT", loopback)?;
        if campaign.is_some() && address.is_some() {
            let reason = "expected none: an attack goes to a server of this test's own";
            return Err(options.unusable("ADDR", reason));
        }
        let relay = options.switch("--relay")?;
        if relay && address.is_some() {
            let reason = "expected none: with --relay the test starts its own gate";
            return Err(options.unusable("ADDR", reason));
        }
        if relay && campaign.is_some() {
            let reason = "expected none: --relay is a load of its own";
            return Err(options.unusable("--attack", reason));
        }
        let proxied = options.switch("--proxied")?;
        if relay && proxied {
            let reason = "expected none: --relay pays without a header";
            return Err(options.unusable("--proxied", reason));
        }
        // Under attack there are honest clients, or there is nothing to measure.
        let least_rate = u32::from(campaign.is_some());
        let rate = options.optional_number("--honest-rate", least_rate..=10_000)?;
        let default_rate = match (campaign, address) {
            (Some(Campaign::Unpaid(_)), _) => ATTACKED_RATE,
            (Some(Campaign::Paid), _) => RATE_BESIDE_PAID,
            (None, Some(_)) => 0,
            (None, None) => SCHEDULED_RATE,
        };
        let idle = options.optional_number("--idle", 0..=1_000_000)?;
        // A file that serves the server too may have N..M.
        let least = |text: &str| whole_number(text.split("..").next()?, 1..=24);
        let bits = options.value("--bits", "a whole number from 1 to 24", least)?;
        let (attack, paid) = match campaign {
            None => (None, None),
            Some(Campaign::Unpaid(attacks)) => {
                let plan = AttackPlan {
                    attacks,
                    connections,
                    rate: attack_rate,
                    time: time.unwrap_or(ATTACK_TIME),
                };
                (Some(plan), None)
            }
            Some(Campaign::Paid) => {
                let time = time.unwrap_or(PAID_TIME);
                (None, Some(PaidPlan { threads, time }))
            }
        };
        Ok(Self {
            address,
            handshakes: options.number("--handshakes", 1..=100_000_000)?,
            concurrency: options.number("--concurrency", 1..=100_000)?,
            rate: rate.unwrap_or(default_rate),
            sources: options.optional_number("--sources", 1..=65_536)?,
            timeout: options.duration("--timeout", SHORTEST..=LONGEST)?,
            bits: bits.unwrap_or(if campaign.is_some() { ATTACKED_BITS } else { 1 }),
            idle: idle.unwrap_or(if relay { IDLE_RELAYS } else { IDLE }),
            proxied,
            relay,
            program: options.path("--program")?,
            attack,
            paid,
        })
    }

    /// Returns how to connect to `server`.
    pub(crate) fn target(&self, server: SocketAddr) -> Target {
        Target::new(server, self.proxied)
    }
}

/// Parses a loopback address: the test must not be usable as a weapon, so it reaches only this
/// machine.
fn loopback(text: &str) -> Option<SocketAddr> {
    text.parse()
        .ok()
        .filter(|address: &SocketAddr| address.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_attack() {
        let words: Vec<_> = ATTACK_NAMES.split([' ', ',']).collect();
        for attack in &ATTACKS {
            assert!(words.contains(&attack.name), "{}", attack.name);
        }
        assert!(words.contains(&PAID));
    }

    #[test]
    fn every_option_in_the_table_is_read() {
        assert_eq!(PROGRAM.unread_options(Config::new), [""; 0]);
    }
}
