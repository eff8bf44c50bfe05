//! The state of one connection's protocol. Transitions take the time as an argument and return their
//! answer. A session stores no puzzle: a stamp proves by itself what it was made for.
//!
//! ```text
//!            1:                     3:, right
//!  Fresh ----------> Puzzled ---------------------> Ended(Served) or Ended(Paid)
//!    ^ |               |  ^  |                        ^
//!    | +---------------)--)--)----------------------->+
//!    | |             1:+--+  |   anything else, or the deadline
//!    | +---------------------+--------------------> Ended(Refused)
//!    | +---------------------+--------------------> Ended(Left)
//!    |                           end of stream
//!    | header
//!  Unnamed ---------------------------------------> Ended(Unnamed)
//!                  no good header in time
//! ```

use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::{NotAStamp, Stamp};
use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::message::{Command, MAX_CLIENT_LINE, Message, NotAMessage};
use powtcp_common::refusal::Refusal;

use super::proxy_header::Malformed;
use super::{Evidence, Payment, Reply, Rules, Sale, Service};
use crate::time::{IssueTime, Moment};

/// How long a connection that has ended may take to accept its last answer and to end its stream.
/// Without this bound a peer that never reads would hold its slot for ever.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a PROXY protocol header may take to arrive. It stops peers that hold it back.
const HEADER_TIMEOUT: Duration = Duration::from_secs(3);

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client got its resource.
    Served,
    /// The client has paid, and its connection becomes a relay.
    Paid,
    /// The client got an error. It may still be sending.
    Refused,
    /// The client ended its stream before it got a resource or an error.
    Left,
    /// The client is exempt from the proof of work, and its connection becomes a relay.
    Exempt,
    /// No good PROXY protocol header came, so that nothing is said to the peer.
    Unnamed,
}

/// The state of one connection's protocol.
#[derive(Debug)]
pub struct Session {
    client: ClientAddr,
    lines: LineBuffer<MAX_CLIENT_LINE>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The PROXY protocol header, which names the client, has not arrived. Until then the client is the peer.
    Unnamed { deadline: Moment },
    /// No puzzle was requested yet.
    Fresh { deadline: Moment },
    /// The client has got a puzzle. Requesting another one does not move the deadline.
    Puzzled {
        deadline: Moment,
        /// When the first puzzle was issued.
        first: IssueTime,
        /// Puzzles requested so far.
        requested: u32,
    },
    /// The last answer was given; further input is ignored.
    Ended { how: End, deadline: Moment },
}

impl Session {
    /// Creates the session of a connection that `client` has just opened.
    pub fn new(client: ClientAddr, rules: &Rules, now: Moment) -> Self {
        let deadline = now.after(rules.handshake_timeout);
        Self {
            client,
            lines: LineBuffer::new(),
            state: State::Fresh { deadline },
        }
    }

    /// Creates the session of a connection from `peer`, which is to begin with a PROXY protocol header.
    pub fn unnamed(peer: ClientAddr, now: Moment) -> Self {
        Self {
            client: peer,
            lines: LineBuffer::new(),
            state: State::Unnamed {
                deadline: now.after(HEADER_TIMEOUT),
            },
        }
    }

    /// Begins the protocol with the client that a PROXY protocol header has named.
    pub fn on_name(&mut self, client: ClientAddr, rules: &Rules, now: Moment) {
        if let State::Unnamed { .. } = self.state {
            *self = Self::new(client, rules, now);
        }
    }

    /// Ends a session that has not begun, because its client is exempt from the proof of work.
    pub fn on_exempt(&mut self, client: ClientAddr, now: Moment) {
        if let State::Unnamed { .. } = self.state {
            self.client = client;
            self.finish(End::Exempt, now);
        }
    }

    /// Ends a session whose client was not named, because of what came instead of the header.
    pub fn on_bad_header(&mut self, why: Malformed, now: Moment) -> Option<Reply<'static>> {
        match self.state {
            State::Unnamed { .. } => {
                self.finish(End::Unnamed, now);
                Some(Reply::BadHeader(why))
            }
            State::Fresh { .. } | State::Puzzled { .. } | State::Ended { .. } => None,
        }
    }

    /// Creates the session of a client that was refused after it had paid.
    pub fn refused(client: ClientAddr, now: Moment) -> Self {
        Self {
            client,
            lines: LineBuffer::new(),
            state: State::Ended {
                how: End::Refused,
                deadline: now.after(DELIVERY_TIMEOUT),
            },
        }
    }

    /// Returns the address of the client.
    pub fn client(&self) -> ClientAddr {
        self.client
    }

    /// Returns how the session ended, or `None` while it goes on.
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended { how, .. } => Some(how),
            State::Unnamed { .. } | State::Fresh { .. } | State::Puzzled { .. } => None,
        }
    }

    /// Returns whether the client has got a puzzle and is expected to solve it.
    pub fn holds_puzzle(&self) -> bool {
        matches!(self.state, State::Puzzled { .. })
    }

    /// Returns when to call [`Session::on_deadline`]; after the end, when to give up on the peer.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        match self.state {
            State::Unnamed { deadline }
            | State::Fresh { deadline }
            | State::Puzzled { deadline, .. }
            | State::Ended { deadline, .. } => deadline,
        }
    }

    /// Takes lines off the front of `input` up to the first that has an answer, and returns that
    /// answer; `None` once `input` is used up or the session has ended.
    pub fn next_reply<'a>(
        &mut self,
        input: &mut &'a [u8],
        now: Moment,
        sale: &mut Sale<'_>,
    ) -> Option<Reply<'a>> {
        if self.end().is_some() {
            return None;
        }
        let line = match self.lines.next_line(input) {
            Ok(Some(line)) => line,
            Ok(None) => return None,
            Err(LineTooLong) => return self.refuse(Refusal::MessageTooLong, now),
        };
        match self.on_line(&line, now, sale) {
            Ok(reply) => Some(reply),
            Err(why) => {
                self.finish(End::Refused, now);
                let evidence = Evidence::Line(line);
                Some(Reply::Refusal { why, evidence })
            }
        }
    }

    /// Notes that the peer has ended its stream; a partial line is dropped.
    pub fn on_eof(&mut self, now: Moment) {
        if self.end().is_none() {
            self.finish(End::Left, now);
        }
    }

    /// Ends the session if its deadline has passed.
    pub fn on_deadline(&mut self, now: Moment) -> Option<Reply<'static>> {
        if now < self.deadline() {
            return None;
        }
        match self.state {
            State::Unnamed { .. } => self.on_bad_header(Malformed::Late, now),
            State::Fresh { .. } => self.refuse(Refusal::TimeoutExceeded, now),
            State::Puzzled { .. } => self.refuse(Refusal::PuzzleExpired, now),
            State::Ended { .. } => None,
        }
    }

    /// Ends the session because the server shuts down, unless its client is solving a puzzle.
    pub fn on_shutdown(&mut self, now: Moment) -> Option<Reply<'static>> {
        match self.state {
            State::Unnamed { .. } | State::Fresh { .. } => self.refuse(Refusal::ShuttingDown, now),
            State::Puzzled { .. } | State::Ended { .. } => None,
        }
    }

    /// Ends the session for the reason `why`, unless it has ended already.
    pub fn refuse(&mut self, why: Refusal, now: Moment) -> Option<Reply<'static>> {
        if self.end().is_some() {
            return None;
        }
        let evidence = Evidence::Partial(self.lines.take_partial());
        self.finish(End::Refused, now);
        Some(Reply::Refusal { why, evidence })
    }

    fn on_line(
        &mut self,
        line: &[u8],
        now: Moment,
        sale: &mut Sale<'_>,
    ) -> Result<Reply<'static>, Refusal> {
        let message = Message::parse(line).map_err(|NotAMessage| Refusal::IncorrectMessage)?;
        match message.command {
            Command::RequestPuzzle if sale.service.is_sold_out() => Err(Refusal::ServerBusy),
            Command::RequestPuzzle => self.on_puzzle_request(now, sale),
            Command::RequestResource => {
                let payment = self.on_stamp(message.payload, now, sale)?;
                self.pay(payment, now, sale)
            }
            Command::Error | Command::ResponsePuzzle | Command::ResponseResource => {
                Err(Refusal::IncorrectMessage)
            }
        }
    }

    fn on_puzzle_request(
        &mut self,
        now: Moment,
        sale: &mut Sale<'_>,
    ) -> Result<Reply<'static>, Refusal> {
        let requested = match self.state {
            State::Puzzled { requested, .. } => requested,
            State::Unnamed { .. } | State::Fresh { .. } | State::Ended { .. } => 0,
        };
        if requested >= sale.rules.max_puzzles {
            return Err(Refusal::TooManyPuzzles);
        }
        let price = sale.price(self.client, now);
        let (puzzle, issued) = sale.mint.make(self.client, sale.rules.dialect, price, now);
        if let State::Puzzled { requested, .. } = &mut self.state {
            *requested += 1;
        } else {
            self.state = State::Puzzled {
                deadline: now.after(sale.rules.ttl),
                first: issued,
                requested: 1,
            };
        }
        Ok(Reply::Puzzle(puzzle, price))
    }

    fn on_stamp(&self, text: &[u8], now: Moment, sale: &Sale<'_>) -> Result<Payment, Refusal> {
        let stamp = Stamp::parse(text).map_err(|NotAStamp| Refusal::StampNotCorrect)?;
        let first = match self.state {
            State::Puzzled { first, .. } => Some(first),
            State::Unnamed { .. } | State::Fresh { .. } | State::Ended { .. } => None,
        };
        let Sale { rules, mint, .. } = sale;
        let ttl_of = |difficulty| sale.ttl_of(difficulty, self.client, now);
        mint.check(&stamp, self.client, rules, first, ttl_of, now)
    }

    /// Spends a right stamp for what the server sells.
    fn pay(
        &mut self,
        payment: Payment,
        now: Moment,
        sale: &mut Sale<'_>,
    ) -> Result<Reply<'static>, Refusal> {
        if sale.service.is_sold_out() {
            return Err(Refusal::ServerBusy);
        }
        sale.mint.spend(&payment, sale.rules);
        if sale.service == Service::Resource {
            let source = self.client.ip().into();
            sale.pricing.served(source, payment.price.level, 1.0, now);
            self.finish(End::Served, now);
            return Ok(Reply::Resource(payment));
        }
        self.finish(End::Paid, now);
        Ok(Reply::Paid(payment))
    }

    fn finish(&mut self, how: End, now: Moment) {
        let deadline = now.after(DELIVERY_TIMEOUT);
        self.state = State::Ended { how, deadline };
        // An ended session lives on for seconds; it must not keep a partial line.
        self.lines = LineBuffer::new();
    }
}
