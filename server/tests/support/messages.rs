//! The messages of the log lines that tests look for.

/// A connection was accepted.
pub(crate) const ACCEPTED: &str = "connection accepted";
/// A connection was closed.
pub(crate) const CLOSED: &str = "connection closed";
/// A client got a puzzle.
pub(crate) const PUZZLE_SENT: &str = "puzzle sent";
/// A client got a resource.
pub(crate) const RESOURCE_SENT: &str = "resource sent";
/// A client was told why it gets nothing.
pub(crate) const REFUSED: &str = "connection refused";
/// The server has no descriptor for another connection.
pub(crate) const ACCEPTING_PAUSED: &str = "accepting paused";
/// The server accepts connections again.
pub(crate) const ACCEPTING_RESUMED: &str = "accepting resumed";
/// The system allows fewer descriptors than the table needs.
pub(crate) const TOO_FEW_DESCRIPTORS: &str = "too few descriptors";
/// Standard error did not take some lines.
pub(crate) const DROPPED: &str = "log lines dropped";
/// SIGHUP arrived.
pub(crate) const NOT_RELOADED: &str = "reloading is not supported";
/// Lines beyond the limit of their kind were suppressed.
pub(crate) const SUPPRESSED: &str = "log lines suppressed";
/// A signal ends the server.
pub(crate) const SHUTTING_DOWN: &str = "shutting down";
/// The server has a metrics page.
pub(crate) const SERVING_METRICS: &str = "serving metrics";
/// A connection was closed because of its PROXY protocol header.
pub(crate) const BAD_HEADER: &str = "bad PROXY protocol header";
/// There was no place for a client that is exempt from the proof of work.
pub(crate) const EXEMPT_RESET: &str = "exempt client reset";
