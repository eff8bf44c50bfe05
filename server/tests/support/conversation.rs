//! A session without a socket: bytes and made-up times go in, and the answers come out as lines of
//! the wire protocol.

use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::hashcash::RAND_LEN;
use powtcp_common::refusal::Refusal;
pub(crate) use powtcp_server::protocol::{DELIVERY_TIMEOUT, End};
use powtcp_server::protocol::{Reply, Session};
use powtcp_server::time::{Moment, Now};

use super::answers::refusal;
use super::rules::Rules;

/// The line that stands for every resource.
pub(crate) const SERVED: &str = "4:Don't Panic.";

/// The wall clock of every conversation: 2026-11-22T10:54:00Z.
const WALL: Duration = Duration::from_secs(1_795_344_840);

/// A session and what surrounds it. All times count from the start of the server.
pub(crate) struct Conversation {
    session: Session,
    rules: Rules,
    out_of_entropy: bool,
    /// The puzzles that got random bytes so far: those of [`rand`].
    draws: u8,
    now: Duration,
}

/// Returns the random bytes of the puzzle that follows `earlier` others: `abcdefghijkl`, then
/// `bbcdefghijkl` and so on.
pub(crate) fn rand(earlier: u8) -> [u8; RAND_LEN] {
    let mut rand = *b"abcdefghijkl";
    rand[0] += earlier;
    rand
}

impl Conversation {
    /// Starts a conversation with the client 127.0.0.1:52386 at time zero.
    pub(crate) fn new(rules: Rules) -> Self {
        Self::with_client(rules, "127.0.0.1:52386")
    }

    /// Starts a conversation with `client` at time zero.
    pub(crate) fn with_client(rules: Rules, client: &str) -> Self {
        let client: SocketAddr = client.parse().expect("an address");
        Self {
            session: Session::new(client.into(), &rules, Moment::START),
            rules,
            out_of_entropy: false,
            draws: 0,
            now: Duration::ZERO,
        }
    }

    /// Sets the clock.
    pub(crate) fn at(&mut self, now: Duration) -> &mut Self {
        self.now = now;
        self
    }

    /// Makes the system refuse to give random bytes, or give them again.
    pub(crate) fn set_out_of_entropy(&mut self, out_of_entropy: bool) {
        self.out_of_entropy = out_of_entropy;
    }

    /// Returns how the session ended, or `None` while it lasts.
    pub(crate) fn end(&self) -> Option<End> {
        self.session.end()
    }

    /// Returns whether the client holds a puzzle that it may still solve.
    pub(crate) fn holds_puzzle(&self) -> bool {
        self.session.holds_puzzle()
    }

    /// Returns the time of the session's deadline.
    pub(crate) fn deadline(&self) -> Duration {
        self.session.deadline().since(Moment::START)
    }

    /// Sends `bytes` and returns the answers to them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let now = Now {
            moment: Moment::new(self.now),
            wall: WALL,
        };
        let mut input = bytes.as_ref();
        let mut answers = Vec::new();
        let Self {
            session,
            rules,
            out_of_entropy,
            draws,
            ..
        } = self;
        let mut draw = || {
            *draws += 1;
            (!*out_of_entropy).then(|| rand(*draws - 1))
        };
        while let Some(reply) = session.next_reply(&mut input, now, rules, &mut draw) {
            answers.push(text(&reply));
        }
        answers
    }

    /// Asks for a puzzle and returns the answer.
    pub(crate) fn puzzle(&mut self) -> String {
        let mut answers = self.send("1:\n");
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    /// Tells the session that its deadline may have passed, and returns its answers.
    pub(crate) fn on_deadline(&mut self) -> Vec<String> {
        self.act(Session::on_deadline)
    }

    /// Tells the session that the server shuts down, and returns its answers.
    pub(crate) fn on_shutdown(&mut self) -> Vec<String> {
        self.act(Session::on_shutdown)
    }

    /// Tells the session that the client has ended its stream, and returns its answers.
    pub(crate) fn on_eof(&mut self) -> Vec<String> {
        self.session.on_eof(Moment::new(self.now));
        Vec::new()
    }

    /// Ends the session from outside, and returns its answers.
    pub(crate) fn refuse(&mut self, why: Refusal) -> Vec<String> {
        self.act(|session, now| session.refuse(why, now))
    }

    /// Sends `bytes` and expects the session to end with `answer` alone.
    #[track_caller]
    pub(crate) fn expect_end(&mut self, bytes: impl AsRef<[u8]>, answer: impl AsRef<str>) {
        let (bytes, answer) = (bytes.as_ref(), answer.as_ref());
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(self.send(bytes), [answer], "{shown:?}");
        let end = if answer == SERVED {
            End::Served
        } else {
            End::Refused
        };
        assert_eq!(self.end(), Some(end), "{shown:?}");
    }

    /// Sends `bytes` and expects the session to end with the resource.
    #[track_caller]
    pub(crate) fn expect_served(&mut self, bytes: impl AsRef<[u8]>) {
        self.expect_end(bytes, SERVED);
    }

    /// Sends `bytes` and expects the session to end with the text of `why`.
    #[track_caller]
    pub(crate) fn expect_refused(&mut self, bytes: impl AsRef<[u8]>, why: Refusal) {
        self.expect_end(bytes, refusal(why));
    }

    fn act(
        &mut self,
        act: impl FnOnce(&mut Session, Moment) -> Option<Reply<'static>>,
    ) -> Vec<String> {
        let reply = act(&mut self.session, Moment::new(self.now));
        reply.iter().map(text).collect()
    }
}

/// Returns a reply as the line that is sent.
fn text(reply: &Reply<'_>) -> String {
    match reply {
        Reply::Puzzle(puzzle) => format!("2:{puzzle}"),
        Reply::Resource { .. } => SERVED.to_string(),
        Reply::Refusal { why, .. } => refusal(*why),
    }
}
