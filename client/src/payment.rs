//! One payment: ask for a puzzle, solve it, present the stamp, receive the resource. The puzzle
//! outlives the connection that it came on: a client that loses the connection keeps solving, and
//! presents its stamp on the next one.
//!
//! ```text
//!             ask                solve               present
//!   Nothing ------> Puzzle -----------------> Stamp ---------> resource
//!      ^              |                       |   ^
//!      |              | connection lost       |   | connection lost
//!      |              `--- keep solving       |   `--- keep the stamp
//!      |                                      |
//!      `---- the server knows no such puzzle -'
//! ```

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use powtcp_common::hashcash::Challenge;
use powtcp_common::log_line::Value;
use powtcp_common::message::{Command, Message};

use crate::config::Config;
use crate::connect::connect;
use crate::conversation::Conversation;
use crate::error::ClientError;
use crate::report::Reporter;
use crate::retry::{self, Held, Next};
use crate::search::Search;

/// How often the client shows progress and checks the connection while it solves a puzzle.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Pays the server and returns the bytes of the resource. Each new connection after the first is a
/// retry.
///
/// # Errors
/// The error of the last try, or the first one that a retry cannot help with.
pub fn pay(config: &Config, reporter: &Reporter) -> Result<Vec<u8>, ClientError> {
    let mut payment = Payment {
        config,
        reporter,
        hand: Hand::Nothing,
    };
    for retry in 0..config.retries {
        let error = match payment.attempt() {
            Ok(resource) => return Ok(resource),
            Err(error) => error,
        };
        match retry::next(&error, payment.hand.held()) {
            Next::GiveUp => return Err(error),
            Next::TryAgain => {}
            Next::StartOver => payment.hand = Hand::Nothing,
        }
        let delay = retry::random_delay(retry);
        reporter.retry(&error, retry + 1, config.retries, delay);
        payment.prepare_retry(delay)?;
    }
    payment.attempt()
}

/// A payment that is under way, between connections and on them.
struct Payment<'a> {
    config: &'a Config,
    reporter: &'a Reporter,
    hand: Hand,
}

/// What the client has from the server, with the address that issued the puzzle: a stamp is bound
/// to the client's source address as that server saw it, and only servers that share a secret know
/// each other's puzzles.
enum Hand {
    Nothing,
    Puzzle(Search, SocketAddr),
    Stamp {
        text: Vec<u8>,
        issuer: SocketAddr,
        /// Whether the connection that the puzzle came on has ended.
        is_kept: bool,
    },
}

impl Hand {
    fn held(&self) -> Held {
        match self {
            Self::Nothing => Held::Nothing,
            Self::Puzzle(..) => Held::Puzzle,
            Self::Stamp { is_kept: false, .. } => Held::Stamp,
            Self::Stamp { is_kept: true, .. } => Held::KeptStamp,
        }
    }

    fn issuer(&self) -> Option<SocketAddr> {
        match self {
            Self::Nothing => None,
            Self::Puzzle(_, issuer) | Self::Stamp { issuer, .. } => Some(*issuer),
        }
    }
}

impl Payment<'_> {
    /// Makes one connection, and continues on it from what is in hand.
    fn attempt(&mut self) -> Result<Vec<u8>, ClientError> {
        let Config {
            server, timeout, ..
        } = self.config;
        let (mut conversation, address) = connect(server, self.hand.issuer(), *timeout)?;
        let fields = [("server", Value::Text(server))];
        self.reporter.step("connected", &fields);
        loop {
            match &self.hand {
                Hand::Nothing => {
                    let challenge = self.ask(&mut conversation)?;
                    self.hand = Hand::Puzzle(Search::start(challenge, self.config), address);
                }
                Hand::Puzzle(search, issuer) => {
                    let text = self.solve(search, Some(&mut conversation))?;
                    self.hand = Hand::Stamp {
                        text,
                        issuer: *issuer,
                        is_kept: false,
                    };
                }
                Hand::Stamp { text, .. } => return self.present(text, &mut conversation),
            }
        }
    }

    /// Waits for `delay`, and meanwhile solves the puzzle, if there is one in hand. Without a stamp
    /// there is nothing to say to the server, so a longer search postpones the retry.
    fn prepare_retry(&mut self, delay: Duration) -> Result<(), ClientError> {
        let end = Instant::now() + delay;
        if let Hand::Puzzle(search, issuer) = &self.hand {
            let text = self.solve(search, None)?;
            self.hand = Hand::Stamp {
                text,
                issuer: *issuer,
                is_kept: true,
            };
        }
        if let Hand::Stamp { is_kept, .. } = &mut self.hand {
            *is_kept = true;
        }
        thread::sleep(end.saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// Requests a puzzle, and refuses one that is too hard.
    fn ask(&self, conversation: &mut Conversation) -> Result<Challenge, ClientError> {
        let timeout = self.config.timeout;
        let request = Message {
            command: Command::RequestPuzzle,
            payload: b"",
        };
        conversation.send(request, timeout)?;
        let puzzle = conversation.receive(Command::ResponsePuzzle, "send a puzzle", timeout)?;
        let fields = [("puzzle", Value::Peer(&puzzle))];
        self.reporter.step("puzzle received", &fields);

        let challenge = Challenge::parse(&puzzle).map_err(ClientError::BadPuzzle)?;
        let (found, most) = (challenge.difficulty(), self.config.max_difficulty);
        if found > most {
            return Err(ClientError::TooHard(found, most));
        }
        Ok(challenge)
    }

    /// Waits for the stamp and shows progress. If there is a connection, it also stops waiting, but
    /// not the search, when the server ends the conversation.
    fn solve(
        &self,
        search: &Search,
        mut conversation: Option<&mut Conversation>,
    ) -> Result<Vec<u8>, ClientError> {
        let outcome = loop {
            if let Some(conversation) = &mut conversation
                && conversation.was_interrupted()
            {
                break Err(interruption(conversation, self.config.timeout));
            }
            match search.wait(PROGRESS_INTERVAL) {
                Ok(None) => self.reporter.progress(&search.effort()),
                Ok(Some(stamp)) => break Ok(stamp),
                Err(error) => break Err(error),
            }
        };
        self.reporter.progress_ended();
        if outcome.is_ok() {
            self.reporter.solved(&search.effort());
        }
        outcome
    }

    /// Sends the stamp and waits for the resource.
    fn present(
        &self,
        stamp: &[u8],
        conversation: &mut Conversation,
    ) -> Result<Vec<u8>, ClientError> {
        let timeout = self.config.timeout;
        let solution = Message {
            command: Command::RequestResource,
            payload: stamp,
        };
        conversation.send(solution, timeout)?;
        let fields = [("stamp", Value::Peer(stamp))];
        self.reporter.step("stamp sent", &fields);
        let resource =
            conversation.receive(Command::ResponseResource, "send a resource", timeout)?;
        let fields = [("bytes", Value::Number(resource.len() as u64))];
        self.reporter.step("resource received", &fields);
        Ok(resource)
    }
}

/// Returns why the server sent something, or closed the connection, while it should have waited.
fn interruption(conversation: &mut Conversation, timeout: Duration) -> ClientError {
    match conversation.receive(Command::Error, "wait for a solution", timeout) {
        Ok(text) => ClientError::Refused(text),
        Err(error) => error,
    }
}
