//! What a user of the client can set: the table of options, and the values that came out of it.

use std::cmp::Ordering;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use powtcp_common::hashcash::{Difficulty, Kernel};
use powtcp_common::options::{self, Default, Options, Program, Spec, UsageError, whole_number};

use crate::report::Verbosity;

/// The command line of the client.
pub const PROGRAM: Program = Program {
    name: "powtcp-client",
    usage: "[OPTIONS] [ADDR]",
    about: "Pays a powtcp server with CPU time and prints what it gets.",
    version: env!("CARGO_PKG_VERSION"),
    options: &[
        Spec {
            short: "",
            long: "ADDR",
            value: "",
            default: Default::Value("127.0.0.1:8080"),
            help: "the server, HOST:PORT (POWTCP_SERVER)",
            variable: "POWTCP_SERVER",
        },
        Spec {
            short: "-t",
            long: "--threads",
            value: "N",
            default: Default::Words("all cores"),
            help: "threads to solve with",
            variable: "POWTCP_THREADS",
        },
        Spec {
            short: "",
            long: "--kernel",
            value: "NAME",
            default: Default::Value("auto"),
            help: "auto, avx512, avx2 or portable",
            variable: "POWTCP_KERNEL",
        },
        Spec {
            short: "",
            long: "--max-bits",
            value: "N",
            default: Default::Value("32"),
            help: "refuse a harder puzzle",
            variable: "POWTCP_MAX_BITS",
        },
        Spec {
            short: "",
            long: "--timeout",
            value: "DURATION",
            default: Default::Value("10s"),
            help: "to connect, and for each answer",
            variable: "POWTCP_TIMEOUT",
        },
        Spec {
            short: "",
            long: "--solve-timeout",
            value: "DURATION",
            default: Default::Value("60s"),
            help: "give up solving after this",
            variable: "POWTCP_SOLVE_TIMEOUT",
        },
        Spec {
            short: "",
            long: "--retry",
            value: "N",
            default: Default::Value("0"),
            help: "retries when the server is busy or unreachable",
            variable: "POWTCP_RETRY",
        },
        Spec {
            short: "-q",
            long: "--quiet",
            value: "",
            default: Default::Off,
            help: "nothing on standard error but errors",
            variable: "POWTCP_QUIET",
        },
        Spec {
            short: "-v",
            long: "--verbose",
            value: "",
            default: Default::Off,
            help: "every step, as log lines",
            variable: "POWTCP_VERBOSE",
        },
    ],
};

/// More threads than any machine has cores; each takes a stack.
const MOST_THREADS: u64 = 1024;
/// A quarter of an hour of retries, at the longest wait before each: a client ends.
const MOST_RETRIES: u64 = 100;
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The validated options of a client.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HOST:PORT`.
    pub server: String,
    /// Threads to solve with.
    pub threads: NonZero<usize>,
    /// Instructions to solve with.
    pub kernel: Kernel,
    /// The hardest puzzle to accept: a server must not be able to set us an endless task.
    pub max_difficulty: Difficulty,
    /// How long connecting may take, and each answer as a whole.
    pub timeout: Duration,
    /// How long solving may take.
    pub solve_timeout: Duration,
    /// How many times to try again where the server is busy or gone.
    pub retries: u32,
    /// How much to tell on standard error.
    pub verbosity: Verbosity,
}

impl Config {
    /// Validates the options.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub fn new(options: &Options) -> Result<Self, UsageError> {
        let threads = number(options, "--threads", MOST_THREADS)?;
        let threads = threads.and_then(|threads| NonZero::new(threads as usize));
        let difficulty = |text: &str| Difficulty::from_bits(whole_number(text, 1..=64)? as u32);
        let max_bits = "a whole number from 1 to 64";
        let max_difficulty = options.required("--max-bits", max_bits, difficulty)?;
        let most_retries = format!("a whole number from 0 to {MOST_RETRIES}");
        let retries = |text: &str| whole_number(text, 0..=MOST_RETRIES);
        Ok(Self {
            server: options.required("ADDR", "HOST:PORT, such as localhost:8080", address)?,
            threads: threads
                .or(available_parallelism().ok())
                .unwrap_or(NonZero::<usize>::MIN),
            kernel: kernel(options)?,
            max_difficulty,
            timeout: duration(options, "--timeout")?,
            solve_timeout: duration(options, "--solve-timeout")?,
            retries: options.required("--retry", &most_retries, retries)? as u32,
            verbosity: verbosity(options)?,
        })
    }
}

/// A kernel that this machine has.
fn kernel(options: &Options) -> Result<Kernel, UsageError> {
    let names: Vec<_> = Kernel::available().map(|k| k.to_string()).collect();
    let expected = format!("auto or what this machine has: {}", names.join(", "));
    options.required("--kernel", &expected, |text| match text {
        "auto" => Some(Kernel::best()),
        name => Kernel::available().find(|kernel| kernel.to_string() == name),
    })
}

fn verbosity(options: &Options) -> Result<Verbosity, UsageError> {
    match (options.switch("--quiet")?, options.switch("--verbose")?) {
        (false, false) => Ok(Verbosity::Normal),
        (true, false) => Ok(Verbosity::Quiet),
        (false, true) => Ok(Verbosity::Verbose),
        (true, true) => match options.stronger("--quiet", "--verbose") {
            Ordering::Greater => Ok(Verbosity::Quiet),
            Ordering::Less => Ok(Verbosity::Verbose),
            Ordering::Equal => Err(UsageError::new(
                "--quiet and --verbose: expected one of the two",
            )),
        },
    }
}

/// A host and a port; whether there is such a host is found out later. An IPv6 address stands in
/// brackets.
fn address(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    whole_number(port, 1..=65_535)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    (!host.is_empty() && (bracketed || !host.contains(':'))).then(|| text.to_string())
}

fn number(options: &Options, name: &str, most: u64) -> Result<Option<u64>, UsageError> {
    let expected = format!("a whole number from 1 to {most}");
    options.value(name, &expected, |text| whole_number(text, 1..=most))
}

fn duration(options: &Options, name: &str) -> Result<Duration, UsageError> {
    let expected = "a duration from 1ms to 24h, such as 10s";
    options.required(name, expected, |text| {
        options::duration(text, SHORTEST..=LONGEST)
    })
}
