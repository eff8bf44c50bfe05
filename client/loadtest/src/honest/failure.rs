//! Why a handshake fails, and whether its client may go on.

use std::io;

use powtcp_common::log_line::escape;
use powtcp_common::refusal::Refusal;

const REFUSED: &str = "refused: ";
/// The part of an error text that names a kind of failure. It bounds the table of failures.
const MAX_REASON: usize = 80;

/// The end of a connection that served nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The kind of failure, for the table.
    pub(crate) kind: String,
    /// Whether the server was busy or the connection was lost: a client that holds a puzzle presents
    /// its stamp on a new connection then.
    pub(crate) is_passing: bool,
}

impl Failure {
    /// Creates a failure that ends the handshake.
    pub(crate) fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            is_passing: false,
        }
    }

    /// Creates the failure of a handshake that takes longer than its timeout.
    pub(crate) fn timeout() -> Self {
        Self::new("timeout")
    }

    /// Creates the failure of a connection that the server closed without an answer.
    pub(crate) fn closed() -> Self {
        Self {
            is_passing: true,
            ..Self::new("closed by the server")
        }
    }

    /// Creates the failure of a call of the operating system, which is named by `what`.
    pub(crate) fn io(what: &str, error: &io::Error) -> Self {
        Self {
            is_passing: true,
            ..Self::new(format!("{what}: {error}"))
        }
    }

    /// Returns whether the server said why.
    pub(crate) fn is_refusal(&self) -> bool {
        self.kind.starts_with(REFUSED)
    }

    /// Creates the failure of a connection that the server refused with the text `payload`.
    pub(crate) fn refused(payload: &[u8]) -> Self {
        let mut kind = REFUSED.to_string();
        escape(&mut kind, &payload[..payload.len().min(MAX_REASON)]);
        let busy = Refusal::ServerBusy.to_string();
        Self {
            kind,
            is_passing: payload == busy.as_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_and_a_lost_connection_are_passing() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let busy = Failure::refused(b"server is busy");
        assert_eq!(busy.kind, "refused: server is busy");
        for failure in [busy, Failure::closed(), Failure::io("read", &reset)] {
            assert!(failure.is_passing, "{failure:?}");
        }
        for failure in [Failure::refused(b"timeout exceeded"), Failure::timeout()] {
            assert!(!failure.is_passing, "{failure:?}");
        }
    }
}
