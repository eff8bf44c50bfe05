//! What a user of the load test can set.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use powtcp_common::options::{self, Default, Options, Program, Spec, UsageError, whole_number};

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
            default: Default::Words("a server of its own"),
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
            help: "handshakes under way at once",
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
            default: Default::Value("1"),
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
    ],
};

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
        let timeout = |text: &str| {
            options::duration(
                text,
                Duration::from_millis(1)..=Duration::from_secs(60 * 60),
            )
        };
        Ok(Self {
            address: options.value("ADDR", "a loopback IP:PORT", loopback)?,
            handshakes: number("--handshakes", 1, 100_000_000)? as usize,
            concurrency: number("--concurrency", 1, 100_000)? as usize,
            sources: number("--sources", 1, 65_536)? as u32,
            timeout: options.required("--timeout", "a duration from 1ms to 1h", timeout)?,
            bits: number("--bits", 1, 24)?,
            idle: number("--idle", 0, 1_000_000)? as usize,
            program: options.value("--program", "a file", |text| Some(text.into()))?,
        })
    }
}

/// The test is no weapon: it reaches this machine only.
fn loopback(text: &str) -> Option<SocketAddr> {
    text.parse()
        .ok()
        .filter(|address: &SocketAddr| address.ip().is_loopback())
}
