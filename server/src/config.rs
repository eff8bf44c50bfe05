//! What an operator can set: the table of options, and the configuration that is read from it.

mod access;
mod gate;
mod listen;
mod price;
mod secret;
mod settings;
mod start;
mod warnings;

use std::time::Duration;

use powtcp_common::hashcash::Dialect;
use powtcp_common::log_line::{Format, Level};
use powtcp_options::{Options, Program, Spec, UsageError};

pub use gate::{GateConfig, Target};
pub use listen::Listen;
pub use price::PriceConfig;
pub use secret::{MAX_SECRET_LEN, MIN_SECRET_LEN, Secret};
pub use settings::Setting;
pub use start::StartReport;
pub use warnings::CLIENT_MAX_BITS;

use crate::admission::{Access, Bounds, WhenFull};
use crate::net::acceptor::PortUse;
use crate::protocol::Rules;
use crate::resources::Resources;
use secret::SecretFile;

/// The command line of the server.
pub const PROGRAM: Program = Program {
    name: "powtcp-server",
    usage: "[OPTIONS]",
    about: "Serves clients that have paid with CPU time: a line of text, or a connection to a service.",
    version: env!("CARGO_PKG_VERSION"),
    options: OPTIONS,
};

#[rustfmt::skip] // One line for each option.
const OPTIONS: &[Spec] = &[
    Spec::new("-l, --listen ADDR", "127.0.0.1:8080", "where to listen: IP:PORT, HOST:PORT or :PORT"),
    Spec::switch("--reuse-port", "let several processes listen on one port, one per core"),
    Spec::new("-b, --bits N[..M]", "20", "difficulty in bits, 1 to 64; rises to M at most, also for honest crowds"),
    Spec::new("--target-rate N", "50", "clients served a second above which N..M rises"),
    Spec::new("--dialect NAME", "hashcash", "spelling of stamps: hashcash or powtcp"),
    Spec::new("--ttl DURATION", "60s", "how long a puzzle is valid"),
    Spec::new("--handshake-timeout DURATION", "10s", "time to ask for the first puzzle"),
    Spec::new("--shutdown-timeout DURATION", "5s", "how long a shutdown waits for solving clients"),
    Spec::new("--max-connections N", "10000", "connections held at once"),
    Spec::new("--max-connections-per-ip N", "0", "per IPv4 address or IPv6 /64; 0 for no limit"),
    Spec::new("--when-full POLICY", "evict", "evict from the busiest source, or refuse new ones"),
    Spec::optional("--upstream ADDR", "none", "gate: relay paid connections to HOST:PORT or unix:PATH"),
    Spec::new("--connect-timeout DURATION", "5s", "how long connecting to the upstream may take"),
    Spec::new("--idle-timeout DURATION", "1h", "a relay without traffic ends; 0s for never"),
    Spec::new("--max-relays N", "10000", "relays open or connecting at once"),
    Spec::optional("--max-relays-per-ip N", "an eighth, at least 64", "relays of one source; 0 for no limit"),
    Spec::optional("--send-proxy VERSION", "off", "tell the upstream the client's address: v1 or v2"),
    Spec::optional("--accept-proxy NETS", "none", "networks whose connections begin with a PROXY header"),
    Spec::optional("--exempt NETS", "none", "networks relayed without a proof of work"),
    Spec::new("--max-puzzles N", "8", "puzzles a connection may ask for"),
    Spec::optional("--secret FILE", "drawn at start", "at least 32 bytes that sign puzzles"),
    Spec::optional("--resources FILE", "built-in quotes", "one resource per line, drawn at random"),
    Spec::optional("--metrics ADDR", "off", "serve Prometheus /metrics and /healthz at http://ADDR"),
    Spec::new("--log-level LEVEL", "info", "error, warn, info or debug"),
    Spec::new("--log-format FORMAT", "text", "text (key=value) or json"),
    Spec::switch("--check", "read all options and files, print the settings, and exit"),
];

/// The shortest time for a client: with less, no client could be served.
const SHORTEST: Duration = Duration::from_millis(1);
/// A day: no puzzle and no connection should outlive it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// About as many as a process may have descriptors: `fs.nr_open` is 1,048,576 by default.
const MOST_CONNECTIONS: u32 = 1_000_000;

const DIALECTS: [(&str, Dialect); 2] =
    [("hashcash", Dialect::Hashcash), ("powtcp", Dialect::Powtcp)];
const POLICIES: [(&str, WhenFull); 2] = [("evict", WhenFull::Evict), ("refuse", WhenFull::Refuse)];
const FORMATS: [(&str, Format); 2] = [("text", Format::Text), ("json", Format::Json)];
const LEVELS: [(&str, Level); 4] = [
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

/// The validated options of a server.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Whether other processes may listen on the same port.
    pub port_use: PortUse,
    /// The rules for every session.
    pub rules: Rules,
    /// What puzzles cost.
    pub price: PriceConfig,
    /// How long a shutdown waits for clients that hold a puzzle.
    pub shutdown_timeout: Duration,
    /// How many connections are held at once, and what happens beyond.
    pub bounds: Bounds,
    /// Where to serve metrics, at the first address; `None` for nowhere.
    pub metrics: Option<Listen>,
    /// What signs puzzles.
    pub secret: Secret,
    /// Whether the secret is that of `--secret`.
    pub has_secret_file: bool,
    /// Networks whose connections do not begin with the protocol.
    pub access: Access,
    /// The gate; without one, resources are served.
    pub gate: Option<GateConfig>,
    /// What is served without a gate.
    pub resources: Resources,
    /// The least severe lines that are logged.
    pub log_level: Level,
    /// How lines are written.
    pub log_format: Format,
    /// Whether only to print the settings.
    pub check: bool,
    /// What the operator should know about the settings, a sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// Validates the options, and reads the files that they name. Resolves no name.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub fn new(options: &Options) -> Result<Self, UsageError> {
        let secret_file = secret_file(options)?;
        let shared_mode = secret_file.as_ref().and_then(|file| file.shared_mode);
        let dialect = options.choice("--dialect", &DIALECTS)?;
        let gate = GateConfig::new(options)?;
        let mut config = Self {
            listen: options.required("--listen", Listen::EXPECTED, Listen::parse)?,
            port_use: if options.switch("--reuse-port")? {
                PortUse::Shared
            } else {
                PortUse::Exclusive
            },
            rules: Rules {
                dialect,
                ttl: options.duration("--ttl", SHORTEST..=LONGEST)?,
                handshake_timeout: options.duration("--handshake-timeout", SHORTEST..=LONGEST)?,
                max_puzzles: options.number("--max-puzzles", 1..=u32::MAX)?,
            },
            price: PriceConfig::new(options, dialect)?,
            shutdown_timeout: options.duration("--shutdown-timeout", Duration::ZERO..=LONGEST)?,
            bounds: bounds(options)?,
            metrics: options.value("--metrics", Listen::EXPECTED, Listen::parse)?,
            has_secret_file: secret_file.is_some(),
            secret: match secret_file {
                Some(file) => file.secret,
                None => Secret::draw().map_err(|error| options.unusable("--secret", error))?,
            },
            access: access::access(options, gate.is_some())?,
            gate,
            resources: resources(options)?,
            log_level: options.choice("--log-level", &LEVELS)?,
            log_format: options.choice("--log-format", &FORMATS)?,
            check: options.switch("--check")?,
            warnings: Vec::new(),
        };
        config.warnings = config.contradictions();
        if GateConfig::lacks_upstream(options)? {
            let text = "--send-proxy has no effect without --upstream";
            config.warnings.push(text.to_string());
        }
        config.warnings.extend(shared_mode.map(|mode| {
            format!("--secret: others than the owner may use the file, its mode is {mode:03o}")
        }));
        Ok(config)
    }
}

fn bounds(options: &Options) -> Result<Bounds, UsageError> {
    Ok(Bounds {
        connections: options.number("--max-connections", 1..=MOST_CONNECTIONS as usize)?,
        per_source: options.number("--max-connections-per-ip", 0..=MOST_CONNECTIONS)?,
        when_full: options.choice("--when-full", &POLICIES)?,
    })
}

fn secret_file(options: &Options) -> Result<Option<SecretFile>, UsageError> {
    let Some(path) = options.path("--secret")? else {
        return Ok(None);
    };
    let file = SecretFile::read(&path);
    file.map(Some)
        .map_err(|error| options.unusable("--secret", error))
}

fn resources(options: &Options) -> Result<Resources, UsageError> {
    let Some(path) = options.path("--resources")? else {
        return Ok(Resources::built_in());
    };
    Resources::load(&path).map_err(|error| options.unusable("--resources", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_in_the_table_is_read() {
        assert_eq!(PROGRAM.unread_options(Config::new), [""; 0]);
    }
}
