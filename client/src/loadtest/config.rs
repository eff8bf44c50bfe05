//! What a user of the load test can set.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use powtcp_common::options::{self, Default, Options, Program, Spec, UsageError, whole_number};

use super::attack::{self, ATTACKS, Attack};

/// The command line of the load test.
pub const PROGRAM: Program = Program {
    name: "powtcp-loadtest",
    usage: "[OPTIONS] [ADDR]",
    about: "Puts a powtcp server on this machine under load and prints what that costs it.",
    version: env!("CARGO_PKG_VERSION"),
    options: &[
        Spec {
            short: "",
            long: "ADDR",
            value: "",
            default: Default::Words("its own server"),
            help: "a running server, loopback IP:PORT (POWTCP_SERVER)",
            variable: "POWTCP_SERVER",
        },
        Spec {
            short: "-n",
            long: "--handshakes",
            value: "N",
            default: Default::Value("50000"),
            help: "handshakes to make",
            variable: "POWTCP_HANDSHAKES",
        },
        Spec {
            short: "-c",
            long: "--concurrency",
            value: "N",
            default: Default::Value("128"),
            help: "handshakes in progress at once",
            variable: "POWTCP_CONCURRENCY",
        },
        Spec {
            short: "",
            long: "--sources",
            value: "N",
            default: Default::Value("100"),
            help: "addresses of 127.0.0.0/8 to connect from",
            variable: "POWTCP_SOURCES",
        },
        Spec {
            short: "",
            long: "--timeout",
            value: "DURATION",
            default: Default::Value("10s"),
            help: "a handshake that takes longer has failed",
            variable: "POWTCP_TIMEOUT",
        },
        Spec {
            short: "-b",
            long: "--bits",
            value: "N",
            default: Default::Words("1, under attack 16"),
            help: "difficulty of its own server",
            variable: "POWTCP_BITS",
        },
        Spec {
            short: "",
            long: "--idle",
            value: "N",
            default: Default::Value("5000"),
            help: "idle connections to hold at its own server",
            variable: "POWTCP_IDLE",
        },
        Spec {
            short: "",
            long: "--program",
            value: "FILE",
            default: Default::Words("powtcp-server beside this program"),
            help: "the server to start",
            variable: "POWTCP_PROGRAM",
        },
        Spec {
            short: "",
            long: "--attack",
            value: "NAME",
            default: Default::Words("none"),
            help: "all, silent, asked, slowloris, hoard, garbage, wrong-stamp, never-read, churn or endless-line",
            variable: "POWTCP_ATTACK",
        },
        Spec {
            short: "",
            long: "--attack-connections",
            value: "N",
            default: Default::Value("15000"),
            help: "attacking connections at once",
            variable: "POWTCP_ATTACK_CONNECTIONS",
        },
        Spec {
            short: "",
            long: "--attack-rate",
            value: "N",
            default: Default::Value("2000"),
            help: "attacking connections opened per second",
            variable: "POWTCP_ATTACK_RATE",
        },
        Spec {
            short: "",
            long: "--attack-time",
            value: "DURATION",
            default: Default::Value("5s"),
            help: "how long each attack lasts",
            variable: "POWTCP_ATTACK_TIME",
        },
        Spec {
            short: "",
            long: "--json",
            value: "",
            default: Default::Off,
            help: "the table of the attacks as JSON",
            variable: "POWTCP_JSON",
        },
    ],
};

/// A puzzle that keeps a client busy for less than a millisecond: solving it shall not be what is
/// measured.
const ATTACKED_BITS: u64 = 16;

/// The validated options of a load test.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server; `None` to start one.
    pub address: Option<SocketAddr>,
    /// Handshakes to make.
    pub handshakes: usize,
    /// Handshakes under way at once.
    pub concurrency: usize,
    /// Addresses to connect from: each has some 28,000 ports, and a port rests after its use.
    pub sources: u32,
    /// How long a handshake may take.
    pub timeout: Duration,
    /// Difficulty of a server that the test starts.
    pub bits: u64,
    /// Connections of the idle phase.
    pub idle: usize,
    /// The server to start, if not the one beside this program.
    pub program: Option<PathBuf>,
    /// How to attack, instead of the other phases.
    pub(super) attack: Option<AttackPlan>,
}

/// What attacks are made, one after the other, and how fiercely.
#[derive(Debug, Clone)]
pub(super) struct AttackPlan {
    pub(super) attacks: &'static [Attack],
    /// Attacking connections at once.
    pub(super) connections: usize,
    /// Attacking connections opened a second, after those that are opened at once.
    pub(super) rate: u32,
    /// How long each attack lasts.
    pub(super) time: Duration,
    /// Whether to print JSON.
    pub(super) json: bool,
}

impl Config {
    /// Validates the options.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub fn new(options: &Options) -> Result<Self, UsageError> {
        let number = |name, least, most| {
            let expected = format!("a whole number from {least} to {most}");
            options.required(name, &expected, |text| whole_number(text, least..=most))
        };
        let duration = |name| {
            options.required(name, "a duration from 1ms to 1h", |text| {
                options::duration(
                    text,
                    Duration::from_millis(1)..=Duration::from_secs(60 * 60),
                )
            })
        };
        let names: Vec<_> = ATTACKS.iter().map(|attack| attack.name).collect();
        let names = format!("all, {}", names.join(", "));
        let plan = AttackPlan {
            attacks: &[],
            connections: number("--attack-connections", 1, 100_000)? as usize,
            rate: number("--attack-rate", 1, 100_000)? as u32,
            time: duration("--attack-time")?,
            json: options.switch("--json")?,
        };
        let attacks = options.value("--attack", &names, attack::named)?;
        if attacks.is_none() && plan.json {
            return Err(options.unusable("--json", "expected --attack as well"));
        }
        let attack = attacks.map(|attacks| AttackPlan { attacks, ..plan });
        let address = options.value("ADDR", "a loopback IP:PORT", loopback)?;
        if attack.is_some() && address.is_some() {
            let reason = "expected none: attacked is a server of this test's own";
            return Err(options.unusable("ADDR", reason));
        }
        let expected = "a whole number from 1 to 24";
        let bits = options.value("--bits", expected, |text| whole_number(text, 1..=24))?;
        Ok(Self {
            address,
            handshakes: number("--handshakes", 1, 100_000_000)? as usize,
            concurrency: number("--concurrency", 1, 100_000)? as usize,
            sources: number("--sources", 1, 65_536)? as u32,
            timeout: duration("--timeout")?,
            bits: bits.unwrap_or(if attack.is_some() { ATTACKED_BITS } else { 1 }),
            idle: number("--idle", 0, 1_000_000)? as usize,
            program: options.value("--program", "a file", |text| Some(text.into()))?,
            attack,
        })
    }
}

/// The test is no weapon: it reaches this machine only.
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
        let spec = PROGRAM.options.iter().find(|spec| spec.long == "--attack");
        let words: Vec<_> = spec.unwrap().help.split([' ', ',']).collect();
        for attack in &ATTACKS {
            assert!(words.contains(&attack.name), "{}", attack.name);
        }
    }
}
