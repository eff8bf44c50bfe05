//! Honest clients: they make one handshake after the other, and tell how long the server kept them
//! waiting. A thread each, so that none waits for another's solving.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use powtcp_common::hashcash::{Challenge, Difficulty};
use powtcp_common::message::{Command, Message};

use super::dial::{self, Sources};
use super::exchange::{MAX_BITS, solved};
use super::outcome::Outcome;
use crate::conversation::Conversation;
use crate::error::ClientError;

/// How many there are: a few, so that it is not they who load the server.
pub(super) const CLIENTS: u32 = 8;
/// The rest of each after a handshake, for the same reason.
const PAUSE: Duration = Duration::from_millis(20);
/// The address of the first; each has its own, and attackers have none of them.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 2, 0, 1);

/// Lets all clients make handshakes with `server` for `time`; those under way then may end, each
/// answer within `timeout`. The latencies are the time of each handshake that was not solving.
pub(super) fn run(server: SocketAddr, time: Duration, timeout: Duration) -> Outcome {
    let start = Instant::now();
    let mut sources = Sources::new(FIRST_SOURCE, CLIENTS);
    let mut outcome = Outcome::default();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = Client {
                    source: sources.next(),
                    server,
                    timeout,
                };
                // They start one after the other, and so keep out of step.
                let start = start + PAUSE / CLIENTS * number;
                scope.spawn(move || client.run(start, time))
            })
            .collect();
        for client in clients {
            match client.join() {
                Ok(handshakes) => outcome.absorb(handshakes),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    outcome.conclude(start.elapsed())
}

struct Client {
    source: Ipv4Addr,
    server: SocketAddr,
    timeout: Duration,
}

impl Client {
    fn run(&self, start: Instant, time: Duration) -> Outcome {
        let mut outcome = Outcome::default();
        thread::sleep(start.saturating_duration_since(Instant::now()));
        while start.elapsed() < time {
            match self.handshake() {
                Ok(waited) => outcome.succeed(waited),
                Err(error) => outcome.fail(error.to_string()),
            }
            thread::sleep(PAUSE);
        }
        outcome
    }

    /// Makes a handshake; returns how long it took, solving left out: from before connecting to the
    /// puzzle, and from before the stamp is sent to the resource.
    fn handshake(&self) -> Result<Duration, ClientError> {
        let timeout = self.timeout;
        let say = |server_side: &mut Conversation, command, payload| {
            server_side.send(Message { command, payload }, timeout)
        };
        let start = Instant::now();
        let stream = dial::connect(self.source, self.server, timeout)
            .map_err(|error| ClientError::Connect(self.server.to_string(), error))?;
        let mut server_side = Conversation::new(stream);
        say(&mut server_side, Command::RequestPuzzle, b"")?;
        let puzzle = server_side.receive(Command::ResponsePuzzle, "send a puzzle", timeout)?;
        let waited_for_puzzle = start.elapsed();

        let challenge = Challenge::parse(&puzzle).map_err(ClientError::BadPuzzle)?;
        let most = Difficulty::from_bits(MAX_BITS.into()).unwrap_or(challenge.difficulty());
        if challenge.difficulty() > most {
            return Err(ClientError::TooHard(challenge.difficulty(), most));
        }
        let stamp = solved(&challenge);

        let start = Instant::now();
        say(&mut server_side, Command::RequestResource, &stamp)?;
        server_side.receive(Command::ResponseResource, "send a resource", timeout)?;
        Ok(waited_for_puzzle + start.elapsed())
    }
}
