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
/// Lines beyond the limit of their kind were suppressed.
pub(crate) const SUPPRESSED: &str = "log lines suppressed";
/// A signal ends the server.
pub(crate) const SHUTTING_DOWN: &str = "shutting down";
/// The server has a metrics page.
pub(crate) const SERVING_METRICS: &str = "serving metrics";
