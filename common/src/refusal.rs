//! The errors of the wire protocol, which are the reasons why a server ends a connection without
//! serving it (see the table of errors in `common/README.md`).

use std::fmt;

/// A reason why a server ends a connection without serving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The connection asked for more puzzles than its allowance.
    TooManyPuzzles,
    /// The text is not a stamp, or its hash has too few leading zeros.
    StampNotCorrect,
    /// The stamp is not one of a puzzle that the server issued to this source, or the puzzle is spent.
    StampNotFound,
    /// The puzzle's time to live has passed, with or without a stamp.
    PuzzleExpired,
    /// The client requested no puzzle and sent no stamp in time.
    TimeoutExceeded,
    /// The line is not a message, or it is a message that only servers send.
    IncorrectMessage,
    /// The line is longer than its limit.
    MessageTooLong,
    /// The server's limit of connections is reached.
    ServerBusy,
    /// The server is shutting down.
    ShuttingDown,
    /// The server has failed. Ours never sends it, but a client must understand it.
    InternalError,
    /// The service behind a gate refuses connections, or does not answer in time.
    ServiceUnavailable,
}

impl Refusal {
    /// All reasons, in the order of their discriminants.
    pub const ALL: [Self; 11] = [
        Self::TooManyPuzzles,
        Self::StampNotCorrect,
        Self::StampNotFound,
        Self::PuzzleExpired,
        Self::TimeoutExceeded,
        Self::IncorrectMessage,
        Self::MessageTooLong,
        Self::ServerBusy,
        Self::ShuttingDown,
        Self::InternalError,
        Self::ServiceUnavailable,
    ];

    /// Returns the name in metrics and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooManyPuzzles => "too_many_puzzles",
            Self::StampNotCorrect => "stamp_not_correct",
            Self::StampNotFound => "stamp_not_found",
            Self::PuzzleExpired => "puzzle_expired",
            Self::TimeoutExceeded => "timeout_exceeded",
            Self::IncorrectMessage => "incorrect_message",
            Self::MessageTooLong => "message_too_long",
            Self::ServerBusy => "server_busy",
            Self::ShuttingDown => "shutting_down",
            Self::InternalError => "internal_error",
            Self::ServiceUnavailable => "service_unavailable",
        }
    }

    /// Returns the text on the wire, which is the payload of an error message.
    pub fn text(self) -> &'static str {
        match self {
            Self::TooManyPuzzles => "too many puzzles requested",
            Self::StampNotCorrect => "hashcash header not correct",
            Self::StampNotFound => "hashcash header not found",
            Self::PuzzleExpired => "hashcash expiration exceeded",
            Self::TimeoutExceeded => "timeout exceeded",
            Self::IncorrectMessage => "incorrect message format",
            Self::MessageTooLong => "message too long",
            Self::ServerBusy => "server is busy",
            Self::ShuttingDown => "server is shutting down",
            Self::InternalError => "internal error",
            Self::ServiceUnavailable => "service unavailable",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Refusal {}
