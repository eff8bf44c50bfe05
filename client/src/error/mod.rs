//! Why a payment failed, and whether it is worthwhile to pay again.

mod text;

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::hashcash::ChallengeError;
use powtcp_common::refusal::Refusal;

use crate::estimate::Estimate;

/// The reason why a payment failed.
///
/// The text of an error is one line, and what the server sent is escaped in it: it can be shown on a
/// terminal. [`is_transient`](Self::is_transient) says whether it is worthwhile to pay again later.
#[derive(Debug)]
#[non_exhaustive]
pub enum PayError {
    /// The text is not an address of the form `HOST:PORT`.
    BadAddress(String),
    /// The name of the server could not be resolved.
    Lookup {
        /// The server, as it was given.
        server: String,
        /// The reason. Its kind is [`ErrorKind::TimedOut`] if the resolver did not answer in time.
        error: io::Error,
    },
    /// None of the server's addresses accepted a connection.
    Connect {
        /// The server, as it was given.
        server: String,
        /// What went wrong at each address, in the order in which they failed.
        errors: Vec<(SocketAddr, io::Error)>,
    },
    /// The connection broke.
    Broken(io::Error),
    /// The server did not do this within the timeout of an answer.
    NoAnswer(Awaited),
    /// The server ended its stream and did not do this before.
    Closed(Awaited),
    /// The server sent a line that is longer than any message.
    LineTooLong,
    /// The server sent this line instead of the message that was due.
    Unexpected(Vec<u8>),
    /// The server refused, with this text.
    Refused(Vec<u8>),
    /// The server sent something that is not a puzzle.
    BadPuzzle(ChallengeError),
    /// The puzzle is harder than the payer accepts.
    TooHard {
        /// The difficulty of the puzzle in bits.
        bits: u8,
        /// The hardest difficulty that is accepted.
        most: u8,
    },
    /// A solution would take more than ten times as long as solving may take.
    Hopeless(Estimate),
    /// No solution was found in the time that solving may take.
    Unsolved {
        /// How long solving may take.
        allowed: Duration,
    },
    /// The payment was cancelled with its [`Cancel`](crate::Cancel) handle.
    Cancelled,
}

/// What a payment waits for the server to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Awaited {
    /// To take the bytes of a message.
    Message,
    /// To send a puzzle.
    Puzzle,
    /// To wait until the puzzle is solved.
    Solution,
    /// To send the resource.
    Resource,
}

impl PayError {
    /// Returns whether the cause may be gone if the payment is made again later.
    ///
    /// That is so if connecting timed out, or was refused or reset; if the connection ended without
    /// a word; if the server is busy or shutting down, the service behind a gate is unavailable, or the
    /// puzzle has expired; if a puzzle is too hard, because the price of a server rises and falls with its
    /// load; and if the resolver reports a temporary failure or does not answer in time. If a name stands
    /// for several addresses, one with such an error is enough.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lookup { error, .. } => is_transient_lookup(error),
            Self::Connect { errors, .. } => {
                errors.iter().any(|(_, error)| is_transient_connect(error))
            }
            Self::Broken(error) => is_transient_connect(error),
            Self::Closed(_) | Self::TooHard { .. } => true,
            Self::Refused(_) => [
                Refusal::ServerBusy,
                Refusal::ShuttingDown,
                Refusal::PuzzleExpired,
                Refusal::ServiceUnavailable,
            ]
            .iter()
            .any(|refusal| self.is_refusal(*refusal)),
            Self::BadAddress(_)
            | Self::NoAnswer(_)
            | Self::LineTooLong
            | Self::Unexpected(_)
            | Self::BadPuzzle(_)
            | Self::Hopeless(_)
            | Self::Unsolved { .. }
            | Self::Cancelled => false,
        }
    }

    /// Returns whether the server refused for exactly this reason.
    pub(crate) fn is_refusal(&self, refusal: Refusal) -> bool {
        matches!(self, Self::Refused(text) if text == refusal.text().as_bytes())
    }
}

/// Returns whether the resolver may know more later. The standard library passes the code `EAI_AGAIN`
/// on as text only; these are the texts of glibc and musl.
fn is_transient_lookup(error: &io::Error) -> bool {
    let text = error.to_string();
    let again = ["Temporary failure in name resolution", ": Try again"];
    error.kind() == ErrorKind::TimedOut || again.iter().any(|again| text.contains(again))
}

/// Returns whether a connection that failed in this way may succeed later.
fn is_transient_connect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::TimedOut
            // A write after a reset whose error was already read reports a broken pipe (tcp(7)).
            | ErrorKind::BrokenPipe
    )
}

impl Error for PayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Lookup { error, .. } | Self::Broken(error) => Some(error),
            Self::Connect { errors, .. } => {
                let (_, error) = errors.last()?;
                Some(error)
            }
            Self::BadPuzzle(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns the error of a name whose addresses fail in these ways.
    pub(super) fn connect(kinds: &[ErrorKind]) -> PayError {
        let ports = 1_u16..;
        let errors = ports.zip(kinds).map(|(port, kind)| {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            (address, (*kind).into())
        });
        PayError::Connect {
            server: "name:80".into(),
            errors: errors.collect(),
        }
    }

    fn lookup(text: &str) -> PayError {
        let error = format!("failed to lookup address information: {text}");
        PayError::Lookup {
            server: "name:80".into(),
            error: io::Error::other(error),
        }
    }

    #[test]
    fn one_address_with_a_transient_error_is_enough() {
        use ErrorKind::{ConnectionRefused, HostUnreachable, PermissionDenied, TimedOut};
        assert!(!connect(&[]).is_transient());
        assert!(!connect(&[HostUnreachable]).is_transient());
        assert!(!connect(&[PermissionDenied, HostUnreachable]).is_transient());
        assert!(connect(&[ConnectionRefused, HostUnreachable]).is_transient());
        assert!(connect(&[HostUnreachable, ConnectionRefused]).is_transient());
        assert!(connect(&[TimedOut]).is_transient());
    }

    #[test]
    fn a_temporary_failure_of_the_resolver_is_transient_and_an_unknown_name_is_not() {
        assert!(lookup("Temporary failure in name resolution").is_transient());
        assert!(lookup("Try again").is_transient());
        assert!(!lookup("Name or service not known").is_transient());
        assert!(!lookup("Name does not resolve").is_transient());
    }

    #[test]
    fn a_stream_that_ends_a_hard_puzzle_and_four_refusals_are_transient() {
        assert!(PayError::Closed(Awaited::Puzzle).is_transient());
        assert!(!PayError::NoAnswer(Awaited::Puzzle).is_transient());
        assert!(PayError::TooHard { bits: 28, most: 26 }.is_transient());
        for refusal in Refusal::ALL {
            use Refusal::{PuzzleExpired, ServerBusy, ServiceUnavailable, ShuttingDown};
            let transient = [ServerBusy, ShuttingDown, PuzzleExpired, ServiceUnavailable];
            let expected = transient.contains(&refusal);
            let error = PayError::Refused(refusal.text().into());
            assert_eq!(error.is_transient(), expected, "{refusal}");
        }
    }

    #[test]
    fn the_cause_is_the_source() {
        let source = |error: PayError| error.source().map(ToString::to_string);
        let reset = || io::Error::from(ErrorKind::ConnectionReset);
        assert_eq!(source(PayError::Broken(reset())), Some(reset().to_string()));
        let bad = PayError::BadPuzzle(ChallengeError::Date);
        assert_eq!(source(bad), Some(ChallengeError::Date.to_string()));
        let refused = connect(&[ErrorKind::TimedOut, ErrorKind::ConnectionRefused]);
        assert_eq!(source(refused), Some("connection refused".into()));
        assert_eq!(source(PayError::LineTooLong), None);
    }
}
