//! What an operator says of the service behind the gate.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use powtcp_options::{Options, UsageError};

use super::{LONGEST, Listen, SHORTEST};
use crate::protocol::proxy_header::Version;
use crate::relay::{Gate, Upstream};

/// The longest path of a Unix socket in bytes (unix(7)).
const MAX_PATH_LEN: usize = 107;
/// More relays than a process may have descriptors by default.
const MOST_RELAYS: usize = 500_000;
/// The part of all relays that one source gets by default.
const SOURCE_PART: usize = 8;
/// The relays that one source gets by default at least.
const LEAST_PER_SOURCE: usize = 64;

pub(super) const VERSIONS: [(&str, Version); 2] = [("v1", Version::V1), ("v2", Version::V2)];

/// The validated options of a gate.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// The service behind the gate, not yet resolved.
    pub target: Target,
    /// How long connecting to it may take.
    pub connect_timeout: Duration,
    /// How long a relay without traffic lasts; zero for ever.
    pub idle_timeout: Duration,
    /// The PROXY protocol header that the upstream gets, if any.
    pub send_proxy: Option<Version>,
    /// Relays at once.
    pub max_relays: usize,
    /// Relays of one source at once; 0 for no limit.
    pub max_relays_per_source: u32,
}

/// The address of an upstream, as an operator writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `HOST:PORT`.
    Tcp(Listen),
    /// `unix:PATH`.
    Unix(PathBuf),
}

impl Target {
    const EXPECTED: &'static str = "HOST:PORT or unix:PATH, such as 127.0.0.1:22";

    fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            let is_path = (1..=MAX_PATH_LEN).contains(&path.len());
            return is_path.then(|| Self::Unix(path.into()));
        }
        let address = Listen::parse(text)?;
        let is_reachable = match &address {
            Listen::Address(address) => address.port() != 0,
            Listen::Name(_, port) => *port != 0,
            Listen::Everywhere(_) => false,
        };
        is_reachable.then_some(Self::Tcp(address))
    }
}

impl GateConfig {
    /// Reads the options of a gate, or returns `None` without `--upstream`.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub(super) fn new(options: &Options) -> Result<Option<Self>, UsageError> {
        let target = options.value("--upstream", Target::EXPECTED, Target::parse)?;
        let max_relays = options.number("--max-relays", 1..=MOST_RELAYS)?;
        let per_source = options.optional_number("--max-relays-per-ip", 0..=MOST_RELAYS as u32)?;
        let default = (max_relays / SOURCE_PART).max(LEAST_PER_SOURCE) as u32;
        let connect_timeout = options.duration("--connect-timeout", SHORTEST..=LONGEST)?;
        let idle_timeout = options.duration("--idle-timeout", Duration::ZERO..=LONGEST)?;
        let send_proxy = options.value("--send-proxy", "v1 or v2", version_of)?;
        Ok(target.map(|target| Self {
            target,
            connect_timeout,
            idle_timeout,
            send_proxy,
            max_relays,
            max_relays_per_source: per_source.unwrap_or(default),
        }))
    }

    /// Returns whether the operator wants a header for an upstream that there is not.
    ///
    /// # Errors
    /// The option is wrong.
    pub(super) fn lacks_upstream(options: &Options) -> Result<bool, UsageError> {
        let send_proxy = options.value("--send-proxy", "v1 or v2", version_of)?;
        let target = options.value("--upstream", Target::EXPECTED, Target::parse)?;
        Ok(send_proxy.is_some() && target.is_none())
    }

    /// Looks up the addresses of the upstream, which can take seconds.
    ///
    /// # Errors
    /// The name cannot be resolved; the text has the name.
    pub fn resolve(&self) -> io::Result<Gate> {
        let upstream = match &self.target {
            Target::Tcp(address) => Upstream::Tcp(address.resolve()?),
            Target::Unix(path) => Upstream::Unix(path.clone()),
        };
        Ok(Gate {
            upstream,
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            send_proxy: self.send_proxy,
        })
    }
}

fn version_of(text: &str) -> Option<Version> {
    let found = VERSIONS.iter().find(|(word, _)| *word == text);
    found.map(|(_, version)| *version)
}

/// Writes it as an operator does.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_are_told_apart() {
        for text in [
            "127.0.0.1:22",
            "[::1]:22",
            "localhost:22",
            "unix:/run/x",
            "unix:x",
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
        assert!(matches!(
            Target::parse("unix:/run/x"),
            Some(Target::Unix(_))
        ));
    }

    #[test]
    fn what_cannot_be_connected_to_is_refused() {
        let long = format!("unix:/{}", "x".repeat(MAX_PATH_LEN));
        for text in [
            "",
            ":22",
            "127.0.0.1",
            "localhost:0",
            "[::1]:0",
            "unix:",
            "/run/x",
            &long,
        ] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }
}
