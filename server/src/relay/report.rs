//! The log line about the end of a relay.

use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::Value;

use super::ending::Ending;
use super::upstream::Upstream;
use crate::telemetry::log::{Kind, Log};
use crate::time::Now;

/// What a relay did.
pub(super) struct RelayReport<'a> {
    pub(super) client: ClientAddr,
    pub(super) upstream: &'a Upstream,
    /// Bytes from the client to the upstream.
    pub(super) to_upstream: u64,
    /// Bytes from the upstream to the client.
    pub(super) to_client: u64,
    /// The time from the stamp to the end.
    pub(super) duration: Duration,
    /// The time from the stamp to the connection with the upstream, if that was made.
    pub(super) connected_after: Option<Duration>,
    pub(super) ending: Ending,
}

impl RelayReport<'_> {
    /// Logs one line.
    pub(super) fn log(&self, log: &mut Log, now: Now) {
        let kind = Kind::RelayEnded(self.ending);
        if !log.admits(now, kind) {
            return;
        }
        let milliseconds = |duration: Duration| Value::Number(duration.as_millis() as u64);
        let (client, upstream) = (self.client.to_string(), self.upstream.to_string());
        let mut fields = vec![
            ("client", Value::Text(&client)),
            ("upstream", Value::Text(&upstream)),
            ("bytes_up", Value::Number(self.to_upstream)),
            ("bytes_down", Value::Number(self.to_client)),
            ("duration_ms", milliseconds(self.duration)),
        ];
        fields.extend(
            self.connected_after
                .map(|duration| ("connect_ms", milliseconds(duration))),
        );
        fields.push(("ending", Value::Text(self.ending.text())));
        log.limited_line(now, kind, &fields);
    }
}
