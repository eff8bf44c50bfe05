//! From a session's answer to the bytes and the log line that it becomes.

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::RAND_LEN;
use powtcp_common::log_line::{Level, Value};
use powtcp_common::message::{Command, Message};

use crate::log::Log;
use crate::moment::Now;
use crate::random::RandomBlock;
use crate::resources::Resources;
use crate::turn::{Host, Reply};

/// What surrounds every session: entropy, resources and the log; and the answers that were given,
/// until they are sent.
pub struct Responder {
    /// Where the server says what it does.
    pub log: Log,
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
        self.outgoing.clear();
    }

    fn log_reply(&mut self, now: Now, client: ClientAddr, reply: Reply<'_>) {
        if !self.log.admits_connection_line(now) {
            return;
        }
        let client = client.to_string();
        let client = ("client", Value::Text(&client));
        let (message, fields) = match reply {
            Reply::Puzzle(_) => (
                "puzzle sent",
                [client, ("puzzle", Value::Peer(&self.payload))],
            ),
            Reply::Resource(_, solved_in) => {
                let milliseconds = solved_in.as_millis() as u64;
                (
                    "resource sent",
                    [client, ("solved_in_ms", Value::Number(milliseconds))],
                )
            }
            Reply::Refusal(why, line) => {
                let fields = [
                    client,
                    ("reason", Value::Text(why.text())),
                    ("line", Value::Peer(line)),
                ];
                return self
                    .log
                    .line(now, Level::Info, "connection refused", &fields);
            }
        };
        self.log.line(now, Level::Info, message, &fields);
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
        self.log_reply(now, client, reply);
    }
}
