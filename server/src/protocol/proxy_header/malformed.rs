//! Why a header is refused.

use std::fmt;

/// A reason why a connection does not begin with a header. The connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It did not arrive in time.
    Late,
    /// The stream ended before the header.
    Ended,
    /// The first bytes start neither version.
    NoHeader,
    /// The header is longer than [`MAX_LINE_LEN`](super::MAX_LINE_LEN) or
    /// [`MAX_HEADER_LEN`](super::MAX_HEADER_LEN).
    TooLong,
    /// The binary signature stands before a version other than 2.
    UnknownVersion,
    /// A command other than LOCAL and PROXY.
    UnknownCommand,
    /// An address family or a transport protocol that the specification does not have.
    UnknownFamily,
    /// The text is not an address of the family before it.
    BadAddress,
    /// The text is not a port.
    BadPort,
    /// Version 1: CR and LF do not follow the last port.
    BadLineEnd,
    /// Version 2: the stated length is less than the addresses take.
    TooShort,
    /// Version 2: an extension (TLV) passes the end of the header.
    ExtensionTooLong,
    /// Version 2: the checksum does not have 4 bytes, or there are two.
    BadChecksumField,
    /// Version 2: the checksum is not that of the header.
    WrongChecksum,
}

impl Malformed {
    /// All reasons.
    pub const ALL: [Self; 14] = [
        Self::Late,
        Self::Ended,
        Self::NoHeader,
        Self::TooLong,
        Self::UnknownVersion,
        Self::UnknownCommand,
        Self::UnknownFamily,
        Self::BadAddress,
        Self::BadPort,
        Self::BadLineEnd,
        Self::TooShort,
        Self::ExtensionTooLong,
        Self::BadChecksumField,
        Self::WrongChecksum,
    ];

    /// Returns the text for a log line.
    pub fn text(self) -> &'static str {
        match self {
            Self::Late => "header did not arrive in time",
            Self::Ended => "stream ended before the header",
            Self::NoHeader => "no PROXY protocol header",
            Self::TooLong => "header too long",
            Self::UnknownVersion => "unknown version",
            Self::UnknownCommand => "unknown command",
            Self::UnknownFamily => "unknown address family or transport protocol",
            Self::BadAddress => "bad address",
            Self::BadPort => "bad port",
            Self::BadLineEnd => "line does not end with CRLF",
            Self::TooShort => "length is too short for the addresses",
            Self::ExtensionTooLong => "extension passes the end of the header",
            Self::BadChecksumField => "checksum is repeated or does not have 4 bytes",
            Self::WrongChecksum => "checksum does not match",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Malformed {}
