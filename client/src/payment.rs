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

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use powtcp_common::hashcash::Challenge;
use powtcp_common::message::{Command, Message};

use crate::connect::connect;
use crate::conversation::Conversation;
use crate::error::{Awaited, PayError};
use crate::hand::Hand;
use crate::paid::Paid;
use crate::payer::Settings;
use crate::progress::Progress;
use crate::retry::{self, Next};
use crate::search::Search;
use crate::turn::Turn;

/// How often the client tells its progress and looks at the connection while it solves a puzzle.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// A payment that is under way, between connections and on them.
pub(crate) struct Payment<'a> {
    settings: &'a Settings,
    hand: Hand,
}

impl<'a> Payment<'a> {
    /// Creates a payment that has not begun.
    pub(crate) fn new(settings: &'a Settings) -> Self {
        let hand = Hand::Nothing;
        Self { settings, hand }
    }

    /// Pays `server`, `HOST:PORT`. Each new connection after the first is a retry.
    ///
    /// # Errors
    /// The error of the last try, or the first one that a retry cannot help with.
    pub(crate) fn pay(mut self, server: &str) -> Result<Paid, PayError> {
        let most = self.settings.retries;
        for retry in 0..most {
            let error = match self.attempt(server) {
                Ok(paid) => return Ok(paid),
                Err(error) => error,
            };
            match retry::next(&error, self.hand.held()) {
                Next::GiveUp => return Err(error),
                Next::TryAgain => {}
                Next::StartOver => self.hand = Hand::Nothing,
            }
            let delay = retry::random_delay(retry);
            self.settings.tell(Progress::Retrying {
                error: &error,
                retry: retry + 1,
                most,
                delay,
            });
            self.prepare_retry(delay)?;
        }
        self.attempt(server)
    }

    /// Pays on this connection, which goes to `address`.
    ///
    /// # Errors
    /// The first error: there is no other connection to continue on.
    pub(crate) fn pay_over(
        &mut self,
        stream: TcpStream,
        server: &str,
        address: SocketAddr,
    ) -> Result<Paid, PayError> {
        self.settings.tell(Progress::Connected { server, address });
        let cancel = self.settings.cancel.clone();
        let mut conversation = Conversation::new(stream, cancel);
        loop {
            match &self.hand {
                Hand::Nothing => {
                    let challenge = self.ask(&mut conversation)?;
                    let turn = self.wait_for_turn(&mut conversation)?;
                    let search = Search::start(challenge, self.settings.means(), turn);
                    self.hand = Hand::Puzzle(search, address);
                }
                Hand::Puzzle(..) => self.solve(Some(&mut conversation))?,
                Hand::Stamp { text, .. } => {
                    let resource = self.present(text, &mut conversation)?;
                    let (stream, read_ahead) = conversation.into_parts();
                    return Ok(Paid::new(resource, stream, read_ahead));
                }
            }
        }
    }

    /// Makes one connection, and continues on it from what is in hand.
    fn attempt(&mut self, server: &str) -> Result<Paid, PayError> {
        let Settings {
            timeout, cancel, ..
        } = self.settings;
        let (stream, address) = connect(server, self.hand.issuer(), *timeout, cancel)?;
        let paid = self.pay_over(stream, server, address)?;
        paid.with_timeouts(None, None)
    }

    /// Waits for `delay`, and meanwhile solves the puzzle in hand, if there is one. Without a stamp
    /// there is nothing to send to the server, so a longer search postpones the retry.
    fn prepare_retry(&mut self, delay: Duration) -> Result<(), PayError> {
        let end = Instant::now() + delay;
        self.solve(None)?;
        if let Hand::Stamp { is_kept, .. } = &mut self.hand {
            *is_kept = true;
        }
        self.settings.cancel.sleep_until(end)
    }

    /// Turns a puzzle in hand into its stamp.
    fn solve(&mut self, conversation: Option<&mut Conversation>) -> Result<(), PayError> {
        if let Hand::Puzzle(search, issuer) = &self.hand {
            self.hand = Hand::Stamp {
                text: self.wait_for(search, conversation)?,
                issuer: *issuer,
                is_kept: false,
            };
        }
        Ok(())
    }

    /// Requests a puzzle, and refuses one that is too hard.
    fn ask(&self, conversation: &mut Conversation) -> Result<Challenge, PayError> {
        let request = Message {
            command: Command::RequestPuzzle,
            payload: b"",
        };
        let answer = (Command::ResponsePuzzle, Awaited::Puzzle);
        let timeout = self.settings.timeout;
        let puzzle = conversation.exchange(request, answer, timeout, || {})?;
        self.settings.tell(Progress::PuzzleReceived(&puzzle));

        let challenge = Challenge::parse(&puzzle).map_err(PayError::BadPuzzle)?;
        let (bits, most) = (challenge.difficulty().bits(), self.settings.max_bits);
        if bits > most {
            return Err(PayError::TooHard { bits, most });
        }
        Ok(challenge)
    }

    /// Waits until this payment may solve. Returns `None` if payments need not wait for each other.
    ///
    /// # Errors
    /// The server sends a message or closes the connection meanwhile. Nothing is lost then, because the
    /// search has not begun.
    fn wait_for_turn(&self, conversation: &mut Conversation) -> Result<Option<Turn>, PayError> {
        let Some(turns) = &self.settings.turns else {
            return Ok(None);
        };
        let mut turn = turns.wait(Duration::ZERO);
        while turn.is_none() {
            self.settings.tell(Progress::Queued);
            self.settings.cancel.check()?;
            if let Some(error) = conversation.interruption() {
                return Err(error);
            }
            turn = turns.wait(PROGRESS_INTERVAL);
        }
        Ok(turn)
    }

    /// Waits for the stamp and tells the progress. If there is a connection, stops waiting when the
    /// server sends a message or closes it. The search goes on then.
    fn wait_for(
        &self,
        search: &Search,
        mut conversation: Option<&mut Conversation>,
    ) -> Result<Vec<u8>, PayError> {
        let settings = self.settings;
        loop {
            settings.cancel.check()?;
            if let Some(conversation) = &mut conversation
                && let Some(error) = conversation.interruption()
            {
                return Err(error);
            }
            if let Some(stamp) = search.wait(PROGRESS_INTERVAL)? {
                settings.tell(Progress::Solved(search.effort()));
                return Ok(stamp);
            }
            if let Some(estimate) = search.new_estimate() {
                if estimate.is_hopeless() {
                    return Err(PayError::Hopeless(estimate));
                }
                settings.tell(Progress::Estimated(estimate));
            }
            settings.tell(Progress::Solving(search.effort()));
        }
    }

    /// Sends the stamp and waits for the resource.
    fn present(&self, stamp: &[u8], conversation: &mut Conversation) -> Result<Vec<u8>, PayError> {
        let solution = Message {
            command: Command::RequestResource,
            payload: stamp,
        };
        let answer = (Command::ResponseResource, Awaited::Resource);
        let timeout = self.settings.timeout;
        let sent = || self.settings.tell(Progress::StampSent(stamp));
        let resource = conversation.exchange(solution, answer, timeout, sent)?;
        let progress = Progress::ResourceReceived(resource.len());
        self.settings.tell(progress);
        Ok(resource)
    }
}
