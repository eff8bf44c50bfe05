//! From a session's answer to the bytes and the log line that it becomes.

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::RAND_LEN;
use powtcp_common::log_line::Value;
use powtcp_common::message::{Command, Message};

use crate::log::{Kind, Log};
use crate::metrics::Metrics;
use crate::moment::Now;
use crate::random::RandomBlock;
use crate::resources::Resources;
use crate::turn::{Host, Reply};

/// What surrounds every session: entropy, resources and the log; and the answers that were given,
/// until they are sent.
pub struct Responder {
    /// Where the server says what it does.
    pub log: Log,
    /// What the server counts.
    pub metrics: Metrics,
    resources: Resources,
    random: RandomBlock,
    /// Bytes that the peer of the current turn is to get. It never holds more than the answers to
    /// one read of a connection.
    outgoing: Vec<u8>,
    /// A payload on its way into `outgoing`.
    payload: Vec<u8>,
}

impl Responder {
    /// A responder that hands out `resources`.
    pub fn new(resources: Resources, log: Log) -> Self {
        let random = RandomBlock::new();
        Self {
            log,
            metrics: Metrics::new(),
            resources,
            random,
            outgoing: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// The answers since the last call of [`Responder::sent`].
    pub fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// The answers went on their way.
    pub fn sent(&mut self) {
        self.metrics.sent += self.outgoing.len() as u64;
        self.outgoing.clear();
    }

    /// A line about one connection, with no more to tell than whose it is.
    pub fn log_event(&mut self, now: Now, kind: Kind, client: ClientAddr) {
        if self.log.admits(now, kind) {
            let client = client.to_string();
            let fields = [("client", Value::Text(&client))];
            self.log.limited_line(now, kind, &fields);
        }
    }

    fn log_reply(&mut self, now: Now, client: ClientAddr, reply: &Reply<'_>) {
        let kind = match *reply {
            Reply::Puzzle(_) => Kind::Puzzle,
            Reply::Resource(..) => Kind::Resource,
            Reply::Refusal(why, _) => Kind::Refused(why),
        };
        if !self.log.admits(now, kind) {
            return;
        }
        let client = client.to_string();
        let mut fields = vec![("client", Value::Text(&client))];
        match *reply {
            Reply::Puzzle(_) => fields.push(("puzzle", Value::Peer(&self.payload))),
            Reply::Resource(_, solved_in) => {
                let milliseconds = solved_in.as_millis() as u64;
                fields.push(("solved_in_ms", Value::Number(milliseconds)));
            }
            Reply::Refusal(why, line) => fields.extend([
                ("reason", Value::Text(why.text())),
                ("line", Value::Peer(line)),
            ]),
        }
        self.log.limited_line(now, kind, &fields);
    }
}

impl Host for Responder {
    fn draw(&mut self) -> Option<[u8; RAND_LEN]> {
        self.random.take()
    }

    fn answer(&mut self, now: Now, client: ClientAddr, reply: Reply<'_>) {
        self.payload.clear();
        let (command, payload) = match reply {
            Reply::Puzzle(puzzle) => {
                puzzle.write_to(&mut self.payload);
                (Command::ResponsePuzzle, self.payload.as_slice())
            }
            Reply::Resource(..) => {
                // Without random bytes the first resource will do: the client has paid.
                let random = self.random.take().map_or(0, u32::from_ne_bytes);
                (
                    Command::ResponseResource,
                    self.resources.pick(random).as_bytes(),
                )
            }
            Reply::Refusal(why, _) => (Command::Error, why.text().as_bytes()),
        };
        Message { command, payload }.write_to(&mut self.outgoing);
        self.metrics.answered(&reply);
        self.log_reply(now, client, &reply);
    }
}
