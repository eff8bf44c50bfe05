//! What one connection has agreed with the server so far: the protocol, without a socket, a clock or
//! entropy. Time and random bytes come in with a [`Turn`], and each answer goes out through it.
//!
//! ```text
//!            1:                     3:, right
//!  Fresh ----------> Puzzled ---------------------> Ended(Served)
//!    |               |  ^  |
//!    |             1:+--+  |   anything else, or the deadline
//!    +---------------------+----------------------> Ended(Refused)
//!    +---------------------+----------------------> Ended(Left)
//!                              end of stream
//! ```

use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::{NotAStamp, Puzzle, RAND_LEN, Stamp};
use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::message::{Command, MAX_CLIENT_LINE, Message, NotAMessage};
use powtcp_common::refusal::Refusal;

use crate::moment::{Moment, Now};
use crate::turn::{Reply, Rules, Turn};

/// How long a connection that has ended may take to accept its last answer and to stop sending.
/// Without this bound a peer that never reads would hold its slot for good.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a resource: the peer has nothing more to say.
    Served,
    /// With an error: the peer may be sending still.
    Refused,
    /// The peer sent the end of its stream.
    Left,
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
    /// No puzzle was requested yet.
    Fresh { deadline: Moment },
    /// A puzzle is outstanding; `asked` counts it and those before it. What else is in a puzzle is
    /// the same for all or stands in the session.
    Puzzled {
        issued: u64,
        rand: [u8; RAND_LEN],
        deadline: Moment,
        asked: u32,
    },
    /// The last answer was given; nothing that comes is looked at.
    Ended { how: End, deadline: Moment },
}

impl Session {
    /// The session of a connection that `client` has just opened.
    pub fn new(client: ClientAddr, rules: &Rules, now: Moment) -> Self {
        let deadline = now.after(rules.handshake_timeout);
        Self {
            client,
            lines: LineBuffer::new(),
            state: State::Fresh { deadline },
        }
    }

    /// Whose session it is.
    pub const fn client(&self) -> ClientAddr {
        self.client
    }

    /// How it ended, if it has.
    pub const fn end(&self) -> Option<End> {
        match self.state {
            State::Ended { how, .. } => Some(how),
            State::Fresh { .. } | State::Puzzled { .. } => None,
        }
    }

    /// Whether its client holds a puzzle.
    pub const fn holds_puzzle(&self) -> bool {
        matches!(self.state, State::Puzzled { .. })
    }

    /// When to call [`Session::on_deadline`]; or, after the end, when to give up on the peer.
    #[must_use]
    pub const fn deadline(&self) -> Moment {
        match self.state {
            State::Fresh { deadline }
            | State::Puzzled { deadline, .. }
            | State::Ended { deadline, .. } => deadline,
        }
    }

    /// Takes bytes off the front of `input`, answering line by line, until nothing is left or the
    /// session has ended.
    pub fn on_bytes(&mut self, input: &mut &[u8], turn: &mut Turn<'_>) {
        while self.end().is_none() {
            let mut step = Step {
                client: self.client,
                line: b"",
                turn,
            };
            self.state = match self.lines.next_line(input) {
                Ok(Some(line)) => {
                    step.line = &line;
                    self.state.on_line(&mut step)
                }
                Ok(None) => return,
                Err(LineTooLong) => step.refuse(Refusal::MessageTooLong),
            };
        }
        self.lines = LineBuffer::new();
    }

    /// The peer has sent all it wanted to; what it began to send is dropped.
    pub fn on_eof(&mut self, now: Now) {
        if self.end().is_none() {
            self.state = State::ended(End::Left, now.moment);
            self.lines = LineBuffer::new();
        }
    }

    /// Ends the session if its deadline has passed.
    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        if turn.now.moment < self.deadline() {
            return;
        }
        match self.state {
            State::Fresh { .. } => self.refuse(Refusal::TimeoutExceeded, turn),
            State::Puzzled { .. } => self.refuse(Refusal::PuzzleExpired, turn),
            State::Ended { .. } => {}
        }
    }

    /// The server is about to end: so does the session, unless its client is solving a puzzle.
    pub fn on_shutdown(&mut self, turn: &mut Turn<'_>) {
        match self.state {
            State::Fresh { .. } => self.refuse(Refusal::ShuttingDown, turn),
            State::Puzzled { .. } | State::Ended { .. } => {}
        }
    }

    /// Ends the session, unless it has ended, and tells its client `why`.
    pub fn refuse(&mut self, why: Refusal, turn: &mut Turn<'_>) {
        if self.end().is_none() {
            self.state = Step {
                client: self.client,
                line: b"",
                turn,
            }
            .refuse(why);
            self.lines = LineBuffer::new();
        }
    }
}

/// One line on its way through a session, and all that is needed to answer it.
struct Step<'a, 'turn> {
    client: ClientAddr,
    line: &'a [u8],
    turn: &'a mut Turn<'turn>,
}

impl State {
    const fn ended(how: End, now: Moment) -> Self {
        Self::Ended {
            how,
            deadline: now.after(DELIVERY_TIMEOUT),
        }
    }

    /// Answers one line, and says what the state is after it.
    fn on_line(self, step: &mut Step<'_, '_>) -> Self {
        match Message::parse(step.line) {
            Ok(Message {
                command: Command::RequestPuzzle,
                ..
            }) => self.on_puzzle_request(step),
            Ok(Message {
                command: Command::RequestResource,
                payload,
            }) => match Stamp::parse(payload) {
                Ok(stamp) => self.on_stamp(stamp, step),
                Err(NotAStamp) => step.refuse(Refusal::StampNotCorrect),
            },
            Ok(_) | Err(NotAMessage) => step.refuse(Refusal::IncorrectMessage),
        }
    }

    fn on_puzzle_request(self, step: &mut Step<'_, '_>) -> Self {
        let Turn { now, rules, .. } = *step.turn;
        let asked = match self {
            Self::Puzzled { asked, .. } => asked,
            Self::Fresh { .. } | Self::Ended { .. } => 0,
        };
        if asked >= rules.max_puzzles {
            return step.refuse(Refusal::TooManyPuzzles);
        }
        let Some(rand) = step.turn.host.draw() else {
            return step.refuse(Refusal::InternalError);
        };
        let issued = now.wall.as_secs();
        step.answer(Reply::Puzzle(step.puzzle(issued, rand)));
        Self::Puzzled {
            issued,
            rand,
            deadline: now.moment.after(rules.ttl),
            asked: asked + 1,
        }
    }

    /// The checks, cheapest first: text comparison, then age, then one SHA-1.
    fn on_stamp(self, stamp: Stamp<'_>, step: &mut Step<'_, '_>) -> Self {
        let now = step.turn.now.moment;
        let Self::Puzzled {
            issued,
            rand,
            deadline,
            ..
        } = self
        else {
            return step.refuse(Refusal::StampNotFound);
        };
        let puzzle = step.puzzle(issued, rand);
        if !puzzle.is_completed_by(&stamp) {
            return step.refuse(Refusal::StampNotFound);
        }
        if now >= deadline {
            return step.refuse(Refusal::PuzzleExpired);
        }
        if !puzzle.terms.difficulty.is_met_by(stamp.text()) {
            return step.refuse(Refusal::StampNotCorrect);
        }
        let solved_in = step.turn.rules.ttl.saturating_sub(deadline.since(now));
        step.answer(Reply::Resource(stamp, solved_in));
        Self::ended(End::Served, now)
    }
}

impl Step<'_, '_> {
    fn puzzle(&self, issued: u64, rand: [u8; RAND_LEN]) -> Puzzle {
        Puzzle {
            terms: self.turn.rules.terms,
            client: self.client,
            issued,
            rand,
        }
    }

    fn answer(&mut self, reply: Reply<'_>) {
        self.turn.host.answer(self.turn.now, self.client, reply);
    }

    fn refuse(&mut self, why: Refusal) -> State {
        self.answer(Reply::Refusal(why, self.line));
        State::ended(End::Refused, self.turn.now.moment)
    }
}
