//! What a client can tell about its connection from its own end.

use powtcp_common::refusal::Refusal;

use crate::inspect::Outcome;
use crate::support::answers::refusal;
use crate::support::pipe::Pipe;

impl Pipe {
    /// Lets the client reset the connection.
    pub(crate) fn reset(&mut self) {
        self.reset = true;
        self.unread.clear();
        self.event |= self.interest.is_some();
    }

    /// Returns whether something is ready that the server has not seen, and that no event reports.
    pub(crate) fn is_forgotten(&self) -> bool {
        let is_ready = !self.unread.is_empty() || self.ended || self.reset;
        is_ready && !self.event && self.takes_all && !self.closed
    }

    /// Returns how a closed connection has ended, or `None` if the client cannot tell.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let has_slot = self.key.is_some();
        match self.last_answer() {
            None if !has_slot && self.unwatchable => None,
            _ if !has_slot => Some(Outcome::TurnedAway),
            _ if !self.takes_all => None,
            Some(answer) if answer == refusal(Refusal::ServerBusy) => Some(Outcome::Evicted),
            Some(_) if self.is_served() => Some(Outcome::Served),
            Some(_) => Some(Outcome::Refused),
            None if self.reset => Some(Outcome::Broken),
            None if self.ended => Some(Outcome::Left),
            None => panic!("closed without an answer"),
        }
    }
}
