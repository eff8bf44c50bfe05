//! How a relay ended, in the words of log lines and metrics.

/// How a relay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Both streams ended, the client's first.
    ClientClosed,
    /// Both streams ended, the upstream's first.
    UpstreamClosed,
    /// The client reset its connection, or left while the upstream was being connected.
    ClientReset,
    /// The upstream reset its connection before its stream ended.
    UpstreamReset,
    /// No byte was carried for the idle timeout.
    Idle,
    /// The server shut down.
    Shutdown,
    /// The upstream refused the connection, or could not be reached.
    UpstreamRefused,
    /// The upstream was not connected in time.
    UpstreamTimedOut,
}

impl Ending {
    /// All endings, in order.
    pub const ALL: [Self; 8] = [
        Self::ClientClosed,
        Self::UpstreamClosed,
        Self::ClientReset,
        Self::UpstreamReset,
        Self::Idle,
        Self::Shutdown,
        Self::UpstreamRefused,
        Self::UpstreamTimedOut,
    ];

    /// Returns whether the upstream could not be connected.
    pub(super) fn is_failure_of_upstream(self) -> bool {
        matches!(self, Self::UpstreamRefused | Self::UpstreamTimedOut)
    }

    /// Returns the words that log lines use.
    pub fn text(self) -> &'static str {
        match self {
            Self::ClientClosed => "client closed",
            Self::UpstreamClosed => "upstream closed",
            Self::ClientReset => "client reset",
            Self::UpstreamReset => "upstream reset",
            Self::Idle => "idle",
            Self::Shutdown => "shutdown",
            Self::UpstreamRefused => "upstream refused",
            Self::UpstreamTimedOut => "upstream timed out",
        }
    }

    /// Returns the name that metrics use.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientClosed => "client_closed",
            Self::UpstreamClosed => "upstream_closed",
            Self::ClientReset => "client_reset",
            Self::UpstreamReset => "upstream_reset",
            Self::Idle => "idle",
            Self::Shutdown => "shutdown",
            Self::UpstreamRefused => "upstream_refused",
            Self::UpstreamTimedOut => "upstream_timed_out",
        }
    }
}
