//! Why a server ends a connection: the table of errors of the wire protocol.

use std::fmt;

/// A reason to end a connection without a resource, as the peer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The connection asked for more puzzles than one connection may.
    TooManyPuzzles,
    /// The stamp is no stamp, or its hash has too few leading zeros.
    StampNotCorrect,
    /// The stamp is not the outstanding puzzle's, or no puzzle is outstanding.
    StampNotFound,
    /// The puzzle's time to live ran out, with or without a stamp.
    PuzzleExpired,
    /// No puzzle was requested in time.
    TimeoutExceeded,
    /// The line is no message, or one that a client has no business to send.
    IncorrectMessage,
    /// The line does not end within its bound.
    MessageTooLong,
    /// The server holds as many connections as it may.
    ServerBusy,
    /// The server is about to end.
    ShuttingDown,
    /// The server failed: it could not draw random bytes.
    InternalError,
}

impl Refusal {
    /// All reasons, each at its index.
    pub const ALL: [Self; 10] = [
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
    ];

    /// One word, for metrics and counts.
    pub const fn name(self) -> &'static str {
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
        }
    }

    /// The text that goes over the wire, the payload of an error message.
    pub const fn text(self) -> &'static str {
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
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Refusal {}
