//! The clients of the gate: each pays, and then is a peer like any other.

use std::net::SocketAddr;
use std::time::Duration;

use powtcp_server::relay::Ending;

use super::peer::Peer;
use super::upstream::Mood;
use crate::actor::difficulty;
use crate::random::Random;
use crate::support::stamps::stamp;

/// A client, and what the world has seen of its relay.
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) peer: Peer,
    /// The line with its stamp, once it has sent it.
    pub(crate) stamp: Option<String>,
    /// Puzzles that it gets: it asks again together with its stamp, so that an answer may wait in the server
    /// when its relay begins.
    pub(crate) puzzles: usize,
    /// When its relay began.
    pub(crate) begun: Option<Duration>,
    /// The attempts to connect it.
    pub(crate) attempts: Vec<(usize, Mood)>,
    /// The last service that was dialed for it.
    pub(crate) service: Option<usize>,
    /// Its relay has ended.
    pub(crate) is_over: bool,
    /// Whether its stamp must be accepted again, if that is known.
    pub(crate) has_good_stamp: Option<bool>,
    /// How its relay ended, if that is known.
    pub(crate) ending: Option<Ending>,
}

impl Client {
    /// Creates a client that has connected.
    pub(crate) fn new(address: SocketAddr, peer: Peer) -> Self {
        Self {
            address,
            peer,
            stamp: None,
            puzzles: 1,
            begun: None,
            attempts: Vec::new(),
            service: None,
            is_over: false,
            has_good_stamp: None,
            ending: None,
        }
    }

    /// Takes one step.
    pub(crate) fn act(&mut self, now: Duration, random: &mut Random) {
        if self.stamp.is_some() {
            return self.peer.act(now, random);
        }
        self.peer.wake = Some(now + random.within(300));
        self.peer.link.borrow_mut().take(usize::MAX);
        let answer = self.line(0);
        let is_closed = self.peer.link.borrow().closed.is_some();
        match answer.as_deref() {
            _ if is_closed => self.peer.wake = None,
            None => {
                if self.peer.link.borrow().read == 0 && self.peer.link.borrow().inbound.is_empty() {
                    self.peer.link.borrow_mut().send(b"1:\n");
                }
            }
            Some(line) => {
                let Some(puzzle) = line.strip_prefix("2:") else {
                    self.peer.link.borrow_mut().end(true);
                    return;
                };
                let prefix = puzzle.trim_end_matches("MA==");
                let line = format!("3:{}\n", stamp(prefix, true, difficulty()));
                let early = random.pick(&[0, 0, 10, 3_000]);
                self.puzzles += random.pick(&[0, 0, 0, 5]);
                let requests = "1:\n".repeat(self.puzzles - 1);
                self.peer.send(&format!("{requests}{line}"), early);
                self.stamp = Some(line);
                if random.percent(4) {
                    self.peer.link.borrow_mut().reset();
                }
            }
        }
    }

    /// Returns how many bytes of puzzles it gets, which are equally long.
    pub(crate) fn puzzles_len(&self) -> usize {
        self.puzzles * self.line(0).map_or(0, |line| line.len() + 1)
    }

    /// Returns the line with this number that it has received, without its end.
    pub(crate) fn line(&self, number: usize) -> Option<String> {
        let link = self.peer.link.borrow();
        let mut lines = link.received.split_inclusive(|&byte| byte == b'\n');
        let line = lines.nth(number)?.strip_suffix(b"\n")?;
        Some(String::from_utf8_lossy(line).into_owned())
    }
}
