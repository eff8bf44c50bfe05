//! The options of the client, and the configuration that they result in.

use std::cmp::Ordering;
use std::num::NonZero;
use std::time::Duration;

use powtcp_client::{Kernel, Payer};
use powtcp_options::{Options, Program, Spec, UsageError, whole_number};

use crate::mode::Mode;
use crate::report::Verbosity;

/// The command line of the client.
pub const PROGRAM: Program = Program {
    name: "powtcp-client",
    usage: "[OPTIONS] [ADDR]",
    about: "Pays a powtcp server with CPU time, and prints the resource or relays the connection.",
    version: env!("CARGO_PKG_VERSION"),
    options: OPTIONS,
};

#[rustfmt::skip] // One line for each option.
const OPTIONS: &[Spec] = &[
    Spec::new("ADDR", "127.0.0.1:8080", "the server, HOST:PORT (POWTCP_SERVER)"),
    Spec::switch("--stdio", "pay a gate, then relay standard input and output"),
    Spec::optional("-l, --listen ADDR", "none", LISTEN).flag_only(),
    Spec::optional("-t, --threads N", "all cores", "threads to solve with"),
    Spec::new("--kernel NAME", "auto", "auto, avx512, avx2 or portable"),
    Spec::new("--max-bits N", "32", "refuse a harder puzzle"),
    Spec::new("--timeout DURATION", "10s", "to look up the name and connect, and for each answer"),
    Spec::new("--solve-timeout DURATION", "60s", "give up solving after this"),
    Spec::new("--retry N", "2", RETRY),
    Spec::switch("-q, --quiet", "nothing on standard error but errors"),
    Spec::switch("-v, --verbose", "every step, as log lines"),
];

const LISTEN: &str = "listen here, and pay for and relay each connection; not with --stdio, and \
     not as a variable, because POWTCP_LISTEN is the server's";

const RETRY: &str = "retries when the server is busy, unreachable, unavailable, goes away or asks for more \
     than --max-bits; in total at most (N + 1) x (3 x timeout + solve-timeout) + N x 10s";

/// More threads than a machine has cores. The limit bounds the memory for their stacks.
const MOST_THREADS: usize = 1024;
/// A quarter of an hour of retries, with the longest wait before each. A client has to end.
const MOST_RETRIES: u32 = 100;
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The validated options of a client.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HOST:PORT`.
    pub server: String,
    /// What to do with the connection that was paid for.
    pub mode: Mode,
    /// Threads to solve with; `None` for all cores.
    pub threads: Option<NonZero<usize>>,
    /// Instructions to solve with.
    pub kernel: Kernel,
    /// The difficulty of the hardest puzzle to accept. It stops a server that asks for endless work.
    pub max_bits: u8,
    /// How long looking up the name and connecting may take, and each answer of the server.
    pub timeout: Duration,
    /// How long solving a puzzle may take.
    pub solve_timeout: Duration,
    /// How often to connect again after an error that may be gone then.
    pub retries: u32,
    /// How much to print on standard error.
    pub verbosity: Verbosity,
}

impl Config {
    /// Validates the options.
    ///
    /// # Errors
    /// [`UsageError`] for the first option that is wrong.
    pub fn new(options: &Options) -> Result<Self, UsageError> {
        Ok(Self {
            server: options.required("ADDR", "HOST:PORT, such as localhost:8080", address)?,
            mode: mode(options)?,
            threads: options
                .optional_number("--threads", 1..=MOST_THREADS)?
                .and_then(NonZero::new),
            kernel: kernel(options)?,
            max_bits: options.number("--max-bits", 1..=64)?,
            timeout: options.duration("--timeout", SHORTEST..=LONGEST)?,
            solve_timeout: options.duration("--solve-timeout", SHORTEST..=LONGEST)?,
            retries: options.number("--retry", 0..=MOST_RETRIES)?,
            verbosity: verbosity(options)?,
        })
    }

    /// Returns a payer with these settings.
    pub fn payer(&self) -> Payer {
        Payer::new()
            .max_bits(self.max_bits)
            .threads(self.threads.map_or(0, NonZero::get))
            .kernel(self.kernel)
            .timeout(self.timeout)
            .solve_timeout(self.solve_timeout)
            .retries(self.retries)
    }
}

/// Reads what to do with the connection. The flag `--listen` overrides a variable that sets `--stdio`.
fn mode(options: &Options) -> Result<Mode, UsageError> {
    let expected = "HOST:PORT, such as localhost:2222";
    let listen = options.value("--listen", expected, |text| host_and_port(text, 0))?;
    match (options.switch("--stdio")?, listen) {
        (false, None) => Ok(Mode::Resource),
        (true, None) => Ok(Mode::Stdio),
        (true, Some(_)) if options.stronger("--listen", "--stdio").is_eq() => Err(UsageError::new(
            "--stdio and --listen: expected one of the two",
        )),
        (_, Some(address)) => Ok(Mode::Listen(address)),
    }
}

/// Reads the name of a kernel that this machine supports.
fn kernel(options: &Options) -> Result<Kernel, UsageError> {
    let names: Vec<_> = Kernel::available().map(|k| k.to_string()).collect();
    let expected = format!("auto or what this machine has: {}", names.join(", "));
    options.required("--kernel", &expected, |text| match text {
        "auto" => Some(Kernel::best()),
        name => Kernel::available().find(|kernel| kernel.to_string() == name),
    })
}

/// Reads the two switches. One that was given in a stronger place wins, such as a flag over the
/// environment.
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

/// Checks the form of the address of a server.
fn address(text: &str) -> Option<String> {
    host_and_port(text, 1)
}

/// Checks the form of a host and a port, which is at least `least`. The name is resolved later. An IPv6
/// address has to be in brackets.
fn host_and_port(text: &str, least: u16) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    whole_number(port, least..=u16::MAX)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let is_text = !host.is_empty() && !host.contains('\0');
    (is_text && (bracketed || !host.contains(':'))).then(|| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_in_the_table_is_read() {
        assert_eq!(PROGRAM.unread_options(Config::new), [""; 0]);
    }
}
