//! Whether the server can serve new clients, for a load balancer's health checks.

use std::time::Duration;

use crate::time::Moment;

/// How long a failure to reach the upstream counts. A load balancer that sends no clients while the
/// server is unhealthy would otherwise never learn that the upstream is back, because only clients make the
/// server connect to it.
const FAILURE_COUNTS_FOR: Duration = Duration::from_secs(10);

/// What a health check is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// New clients are served.
    Serving,
    /// The server is shutting down.
    ShuttingDown,
    /// The last attempt to connect to the upstream failed, less than ten seconds ago.
    UpstreamUnreachable,
}

/// The result of the last attempt to connect to the upstream of a gate.
#[derive(Debug, Default)]
pub struct UpstreamHealth {
    failed_at: Option<Moment>,
}

impl Health {
    /// Returns the body of the response to a health check.
    pub fn text(self) -> &'static str {
        match self {
            Self::Serving => "ok",
            Self::ShuttingDown => "shutting down",
            Self::UpstreamUnreachable => "upstream unreachable",
        }
    }
}

impl UpstreamHealth {
    /// Notes that the upstream was connected.
    pub fn on_connected(&mut self) {
        self.failed_at = None;
    }

    /// Notes that the upstream refused, or was not connected in time.
    pub fn on_failed(&mut self, now: Moment) {
        self.failed_at = Some(now);
    }

    /// Returns whether the last attempt failed lately.
    pub fn has_failed_lately(&self, now: Moment) -> bool {
        self.failed_at
            .is_some_and(|failed| now.since(failed) < FAILURE_COUNTS_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_counts_until_a_success_or_for_ten_seconds() {
        let mut health = UpstreamHealth::default();
        let at = |seconds| Moment::START.after(Duration::from_secs(seconds));
        assert!(!health.has_failed_lately(at(0)));
        health.on_failed(at(1));
        assert!(health.has_failed_lately(at(1)) && health.has_failed_lately(at(10)));
        assert!(!health.has_failed_lately(at(11)));
        health.on_failed(at(20));
        health.on_connected();
        assert!(!health.has_failed_lately(at(20)));
    }
}
