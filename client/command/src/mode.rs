//! What the command does with the connection that was paid for.

/// What the command does with the connection that was paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Print the resource.
    Resource,
    /// Relay standard input and output.
    Stdio,
    /// Listen on this address, `HOST:PORT`, and pay for and relay each connection.
    Listen(String),
}
