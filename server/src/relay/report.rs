//! The log line about the end of a relay.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::Value;

use super::ending::Ending;
use crate::telemetry::log::{Kind, Log};
use crate::time::Now;

/// What a relay did.
pub(super) struct RelayReport<'a, U> {
    pub(super) client: ClientAddr,
    pub(super) upstream: &'a U,
    /// Bytes that were carried to the upstream and to the client.
    pub(super) carried: [u64; 2],
    /// Whether the client was exempt from the proof of work.
    pub(super) is_exempt: bool,
    /// The time from the stamp to the end.
    pub(super) duration: Duration,
    /// The time from the stamp to the connection with the upstream, if that was made.
    pub(super) connected_after: Option<Duration>,
    pub(super) ending: Ending,
    /// Why the upstream could not be connected, in the words of the operating system.
    pub(super) error: Option<&'a io::Error>,
}

impl<U: Display> RelayReport<'_, U> {
    /// Logs one line.
    pub(super) fn log(&self, log: &mut Log, now: Now) {
        let kind = Kind::RelayEnded(self.ending);
        if !log.admits(now, kind) {
            return;
        }
        let milliseconds = |duration: Duration| Value::Number(duration.as_millis() as u64);
        let (client, upstream) = (self.client.to_string(), self.upstream.to_string());
        let [up, down] = self.carried;
        let mut fields = vec![
            ("client", Value::Text(&client)),
            ("upstream", Value::Text(&upstream)),
            ("bytes_up", Value::Number(up)),
            ("bytes_down", Value::Number(down)),
            ("duration_ms", milliseconds(self.duration)),
        ];
        fields.extend(
            self.connected_after
                .map(|duration| ("connect_ms", milliseconds(duration))),
        );
        if self.is_exempt {
            fields.push(("exempt", Value::Text("true")));
        }
        fields.push(("ending", Value::Text(self.ending.text())));
        let error = self.error.map(ToString::to_string);
        fields.extend(error.iter().map(|error| ("error", Value::Text(error))));
        log.limited_line(now, kind, &fields);
    }
}
