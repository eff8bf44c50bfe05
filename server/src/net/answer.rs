//! From a session's reply to the bytes, the counts and the log line that it becomes.

use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::Value;
use powtcp_common::message::{Command, Message};

use super::shared::Shared;
use crate::protocol::Reply;
use crate::telemetry::log::Kind;
use crate::time::Now;

impl Shared {
    /// Appends the message of `reply` to the outgoing bytes, counts it and logs it.
    pub(super) fn answer(&mut self, now: Now, client: ClientAddr, reply: &Reply<'_>) {
        self.answer_unlogged(reply);
        self.log_answer(now, client, reply);
    }

    /// Appends the message of `reply` to the outgoing bytes, and counts it.
    pub(super) fn answer_unlogged(&mut self, reply: &Reply<'_>) {
        self.metrics.answered(reply);
        let (command, payload) = match reply {
            Reply::Puzzle(puzzle, _) => (Command::ResponsePuzzle, puzzle.as_bytes()),
            Reply::Resource(_) => {
                // The client has paid: without random bytes it gets the first resource.
                let random = self.random.take().map_or(0, u32::from_ne_bytes);
                let resource = self.resources.pick(random);
                (Command::ResponseResource, resource.as_bytes())
            }
            Reply::Refusal { why, .. } => (Command::Error, why.text().as_bytes()),
            // The client is told when the upstream is connected, and the log when the relay has ended.
            // Without a good header the peer is told nothing.
            Reply::Paid(_) | Reply::BadHeader(_) => return,
        };
        Message { command, payload }.write_to(&mut self.outgoing);
    }

    fn log_answer(&mut self, now: Now, client: ClientAddr, reply: &Reply<'_>) {
        let (kind, field) = match reply {
            Reply::Paid(_) => return,
            Reply::BadHeader(why) => (Kind::BadHeader, ("reason", Value::Text(why.text()))),
            Reply::Puzzle(puzzle, _) => (Kind::Puzzle, ("puzzle", Value::Peer(puzzle.as_bytes()))),
            Reply::Resource(payment) => {
                let milliseconds = Value::Number(payment.solved_in.as_millis() as u64);
                (Kind::Resource, ("solved_in_ms", milliseconds))
            }
            Reply::Refusal { why, evidence } => {
                let line = Value::Peer(evidence.bytes());
                (Kind::Refused(*why), ("line", line))
            }
        };
        if !self.log.admits(now, kind) {
            return;
        }
        let client = client.to_string();
        let client = ("client", Value::Text(&client));
        if let Reply::Refusal { why, .. } = reply {
            let reason = ("reason", Value::Text(why.text()));
            self.log.limited_line(now, kind, &[client, reason, field]);
        } else {
            self.log.limited_line(now, kind, &[client, field]);
        }
    }

    /// Writes a log line about one connection that tells only which client it belongs to.
    pub(super) fn log_event(&mut self, now: Now, kind: Kind, client: ClientAddr) {
        if self.log.admits(now, kind) {
            let client = client.to_string();
            self.log
                .limited_line(now, kind, &[("client", Value::Text(&client))]);
        }
    }
}
