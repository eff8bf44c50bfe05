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

use std::thread;
use std::time::{Duration, Instant};

use powtcp_common::hashcash::Challenge;
use powtcp_common::log_line::Value;
use powtcp_common::message::{Command, Message};

use crate::config::Config;
use crate::connect::connect;
use crate::conversation::Conversation;
use crate::error::ClientError;
use crate::hand::Hand;
use crate::report::Reporter;
use crate::retry::{self, Next};
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

impl Payment<'_> {
    /// Makes one connection, and continues on it from what is in hand.
    fn attempt(&mut self) -> Result<Vec<u8>, ClientError> {
        let config = self.config;
        let (mut conversation, address) =
            connect(&config.server, self.hand.issuer(), config.timeout)?;
        let fields = [("server", Value::Text(&config.server))];
        self.reporter.step("connected", &fields);
        loop {
            match &self.hand {
                Hand::Nothing => {
                    let challenge = self.ask(&mut conversation)?;
                    self.hand = Hand::Puzzle(Search::start(challenge, config), address);
                }
                Hand::Puzzle(..) => self.solve(Some(&mut conversation))?,
                Hand::Stamp { text, .. } => return self.present(text, &mut conversation),
            }
        }
    }

    /// Waits for `delay`, and meanwhile solves the puzzle in hand, if there is one. Without a stamp
    /// there is nothing to send to the server, so a longer search postpones the retry.
    fn prepare_retry(&mut self, delay: Duration) -> Result<(), ClientError> {
        let end = Instant::now() + delay;
        self.solve(None)?;
        if let Hand::Stamp { is_kept, .. } = &mut self.hand {
            *is_kept = true;
        }
        thread::sleep(end.saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// Turns a puzzle in hand into its stamp.
    fn solve(&mut self, conversation: Option<&mut Conversation>) -> Result<(), ClientError> {
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

    /// Waits for the stamp and shows progress. If there is a connection, stops waiting when the server
    /// sends something or closes it. The search goes on then.
    fn wait_for(
        &self,
        search: &Search,
        mut conversation: Option<&mut Conversation>,
    ) -> Result<Vec<u8>, ClientError> {
        let outcome = loop {
            if let Some(conversation) = &mut conversation
                && conversation.was_interrupted()
            {
                break Err(conversation.interruption(self.config.timeout));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verbosity;
    use powtcp_common::hashcash::{Difficulty, Kernel};
    use std::io::{BufRead, BufReader, ErrorKind, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::num::NonZero;
    use std::sync::mpsc::channel;

    fn config(server: SocketAddr) -> Config {
        let timeout = Duration::from_secs(5);
        Config {
            server: server.to_string(),
            threads: NonZero::<usize>::MIN,
            kernel: Kernel::Portable,
            max_difficulty: Difficulty::from_bits(8).unwrap(),
            timeout,
            solve_timeout: timeout,
            retries: 0,
            verbosity: Verbosity::Quiet,
        }
    }

    /// Makes one attempt with the stamp `stamp`, issued at `issuer`, for the server `named`. Returns
    /// the result, and the first line that `listener` receives.
    fn present_to(
        listener: &TcpListener,
        named: SocketAddr,
        issuer: SocketAddr,
    ) -> (Vec<u8>, String) {
        let mut payment = Payment {
            config: &config(named),
            reporter: &Reporter::new(Verbosity::Quiet),
            hand: Hand::Stamp {
                text: b"stamp".into(),
                issuer,
                is_kept: true,
            },
        };
        // The thread is not joined: if the stamp goes elsewhere, it waits for ever.
        let (sender, first_line) = channel();
        let listener = listener.try_clone().unwrap();
        thread::spawn(move || {
            let mut reader = BufReader::new(listener.accept().unwrap().0);
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            reader.get_mut().write_all(b"4:paid\n").unwrap();
            sender.send(line)
        });
        let resource = payment.attempt().unwrap();
        (resource, first_line.recv().unwrap())
    }

    #[test]
    fn a_kept_stamp_goes_to_its_issuer_first_and_then_to_the_other_addresses() {
        let [named, issuer] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [to_named, to_issuer] = [&named, &issuer].map(|l| l.local_addr().unwrap());
        let paid = (b"paid".to_vec(), "3:stamp\n".to_string());
        assert_eq!(present_to(&issuer, to_named, to_issuer), paid);
        named.set_nonblocking(true).unwrap();
        assert_eq!(named.accept().unwrap_err().kind(), ErrorKind::WouldBlock);

        named.set_nonblocking(false).unwrap();
        drop(issuer);
        assert_eq!(present_to(&named, to_named, to_issuer), paid);
    }
}
