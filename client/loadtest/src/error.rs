//! Why a load test fails.

use std::fmt;
use std::io;

use crate::driver::dial;

/// Why a load test failed.
#[derive(Debug)]
pub enum LoadtestError {
    /// The server could not be started, for this reason.
    Start(String),
    /// Its own server ended during the load, in this way.
    ServerEnded(String),
    /// The load test has no free descriptor.
    Descriptors(io::Error),
    /// Another call of the operating system failed.
    Io(io::Error),
    /// This number of handshakes failed.
    Failures(usize),
}

impl fmt::Display for LoadtestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(reason) => write!(f, "cannot start the server: {reason}"),
            Self::ServerEnded(end) => write!(f, "the server ended during the load: {end}"),
            Self::Descriptors(error) => {
                write!(f, "`ulimit -n` is too low for the connections: {error}")
            }
            Self::Io(error) => error.fmt(f),
            Self::Failures(count) => write!(f, "{count} handshakes failed"),
        }
    }
}

impl std::error::Error for LoadtestError {}

impl From<io::Error> for LoadtestError {
    fn from(error: io::Error) -> Self {
        if dial::is_exhausted(&error) {
            return Self::Descriptors(error);
        }
        Self::Io(error)
    }
}
