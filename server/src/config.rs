//! What an operator can set: the table of options, and the values that came out of it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty, Terms};
use powtcp_common::log_line::{Format, Level};
use powtcp_common::options::{self, Default, Options, Program, Spec, UsageError, whole_number};

use crate::limits::{Bounds, WhenFull};
use crate::resources::Resources;
use crate::turn::Rules;

/// The command line of the server.
pub const PROGRAM: Program = Program {
    name: "powtcp-server",
    usage: "[OPTIONS]",
    about: "Serves a line of text to whoever has paid for it with CPU time.",
    version: env!("CARGO_PKG_VERSION"),
    options: &[
        Spec {
            short: "-l",
            long: "--listen",
            value: "ADDR",
            default: Default::Value("127.0.0.1:8080"),
            help: "address to listen on; port 0 picks one",
            variable: "POWTCP_LISTEN",
        },
        Spec {
            short: "-b",
            long: "--bits",
            value: "N",
            default: Default::Value("20"),
            help: "difficulty in bits, 1 to 64",
            variable: "POWTCP_BITS",
        },
        Spec {
            short: "",
            long: "--dialect",
            value: "NAME",
            default: Default::Value("hashcash"),
            help: "spelling of stamps: hashcash or powtcp",
            variable: "POWTCP_DIALECT",
        },
        Spec {
            short: "",
            long: "--ttl",
            value: "DURATION",
            default: Default::Value("60s"),
            help: "how long a puzzle is valid",
            variable: "POWTCP_TTL",
        },
        Spec {
            short: "",
            long: "--handshake-timeout",
            value: "DURATION",
            default: Default::Value("10s"),
            help: "time to ask for the first puzzle",
            variable: "POWTCP_HANDSHAKE_TIMEOUT",
        },
        Spec {
            short: "",
            long: "--shutdown-timeout",
            value: "DURATION",
            default: Default::Value("5s"),
            help: "how long a shutdown waits for solving clients",
            variable: "POWTCP_SHUTDOWN_TIMEOUT",
        },
        Spec {
            short: "",
            long: "--max-connections",
            value: "N",
            default: Default::Value("10000"),
            help: "connections held at once",
            variable: "POWTCP_MAX_CONNECTIONS",
        },
        Spec {
            short: "",
            long: "--max-connections-per-ip",
            value: "N",
            default: Default::Value("0"),
            help: "per IPv4 address or IPv6 /64; 0 for no limit",
            variable: "POWTCP_MAX_CONNECTIONS_PER_IP",
        },
        Spec {
            short: "",
            long: "--when-full",
            value: "POLICY",
            default: Default::Value("evict"),
            help: "evict from the busiest source, or refuse new ones",
            variable: "POWTCP_WHEN_FULL",
        },
        Spec {
            short: "",
            long: "--max-puzzles",
            value: "N",
            default: Default::Value("8"),
            help: "puzzles a connection may ask for",
            variable: "POWTCP_MAX_PUZZLES",
        },
        Spec {
            short: "",
            long: "--resources",
            value: "FILE",
            default: Default::Words("built-in quotes"),
            help: "one resource per line, drawn at random",
            variable: "POWTCP_RESOURCES",
        },
        Spec {
            short: "",
            long: "--metrics",
            value: "ADDR",
            default: Default::Words("off"),
            help: "serve Prometheus metrics at http://ADDR/metrics",
            variable: "POWTCP_METRICS",
        },
        Spec {
            short: "",
            long: "--log-level",
            value: "LEVEL",
            default: Default::Value("info"),
            help: "error, warn, info or debug",
            variable: "POWTCP_LOG_LEVEL",
        },
        Spec {
            short: "",
            long: "--log-format",
            value: "FORMAT",
            default: Default::Value("text"),
            help: "text (key=value) or json",
            variable: "POWTCP_LOG_FORMAT",
        },
    ],
};

/// A day: no puzzle and no connection should outlive it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// More connections than any one process is allowed descriptors by default.
const MOST_CONNECTIONS: u64 = 1_000_000;
const SOCKET_ADDRESS: &str = "IP:PORT, such as 127.0.0.1:8080 or [::]:8080";

/// The validated options of a server.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What every session is held to.
    pub rules: Rules,
    /// How long a shutdown waits for clients that hold a puzzle.
    pub shutdown_timeout: Duration,
    /// How many connections are held at once, and what happens beyond.
    pub bounds: Bounds,
    /// Where to serve metrics; `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// What is served.
    pub resources: Resources,
    /// The least grave lines that are logged.
    pub log_level: Level,
    /// How lines are written.
    pub log_format: Format,
}

impl Config {
    /// Validates the options; reads the file of resources.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub fn new(options: &Options) -> Result<Self, UsageError> {
        let rules = Rules {
            terms: terms(options)?,
            ttl: duration(options, "--ttl", Duration::from_millis(1))?,
            handshake_timeout: duration(options, "--handshake-timeout", Duration::from_millis(1))?,
            max_puzzles: number(options, "--max-puzzles", 1, u64::from(u32::MAX))? as u32,
        };
        Ok(Self {
            listen: options.required("--listen", SOCKET_ADDRESS, |text| text.parse().ok())?,
            rules,
            shutdown_timeout: duration(options, "--shutdown-timeout", Duration::ZERO)?,
            bounds: bounds(options)?,
            metrics: options.value("--metrics", SOCKET_ADDRESS, |text| text.parse().ok())?,
            resources: resources(options)?,
            log_level: options.required("--log-level", "error, warn, info or debug", |text| {
                text.parse().ok()
            })?,
            log_format: options.required("--log-format", "text or json", |text| match text {
                "text" => Some(Format::Text),
                "json" => Some(Format::Json),
                _ => None,
            })?,
        })
    }
}

fn terms(options: &Options) -> Result<Terms, UsageError> {
    let dialect = options.required("--dialect", "hashcash or powtcp", |text| match text {
        "hashcash" => Some(Dialect::Hashcash),
        "powtcp" => Some(Dialect::Powtcp),
        _ => None,
    })?;
    let unit = u64::from(dialect.bits_per_unit());
    let expected = match dialect {
        Dialect::Hashcash => "a whole number from 1 to 64",
        Dialect::Powtcp => "a multiple of 4 from 4 to 64, for --dialect powtcp",
    };
    let difficulty = options.required("--bits", expected, |text| {
        let bits = whole_number(text, 1..=64).filter(|bits| bits.is_multiple_of(unit))?;
        Difficulty::from_bits(bits as u32)
    })?;
    Ok(Terms {
        dialect,
        difficulty,
    })
}

fn duration(options: &Options, name: &str, least: Duration) -> Result<Duration, UsageError> {
    let expected = format!(
        "a duration from {} ms to 24h, such as 10s",
        least.as_millis()
    );
    options.required(name, &expected, |text| {
        options::duration(text, least..=LONGEST)
    })
}

fn bounds(options: &Options) -> Result<Bounds, UsageError> {
    Ok(Bounds {
        connections: number(options, "--max-connections", 1, MOST_CONNECTIONS)? as usize,
        per_source: number(options, "--max-connections-per-ip", 0, MOST_CONNECTIONS)? as u32,
        when_full: options.required("--when-full", "evict or refuse", |text| match text {
            "evict" => Some(WhenFull::Evict),
            "refuse" => Some(WhenFull::Refuse),
            _ => None,
        })?,
    })
}

fn number(options: &Options, name: &str, least: u64, most: u64) -> Result<u64, UsageError> {
    let expected = format!("a whole number from {least} to {most}");
    options.required(name, &expected, |text| whole_number(text, least..=most))
}

fn resources(options: &Options) -> Result<Resources, UsageError> {
    let path = options.value("--resources", "a file", |text| Some(text.to_string()))?;
    let Some(path) = path else {
        return Ok(Resources::built_in());
    };
    Resources::load(Path::new(&path)).map_err(|error| options.unusable("--resources", error))
}
