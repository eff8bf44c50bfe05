//! A session without a socket: bytes and made-up times go in, and the answers come out as lines of
//! the wire protocol.

use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::refusal::Refusal;
use powtcp_server::admission::Pricing;
pub(crate) use powtcp_server::protocol::{DELIVERY_TIMEOUT, End};
use powtcp_server::protocol::{Mint, Reply, Sale, Service, Session};
use powtcp_server::time::Moment;

use super::answers::refusal;
use super::rules::{Rules, fixed, mint};

/// The line that stands for every resource.
pub(crate) const SERVED: &str = "4:Don't Panic.";

/// The line that stands for a payment in a gate, where the session itself sends nothing.
pub(crate) const PAID: &str = "paid";

/// A session and what surrounds it. All times count from the start of the server.
pub(crate) struct Conversation {
    session: Session,
    pub(crate) rules: Rules,
    pub(crate) mint: Mint,
    pub(crate) pricing: Pricing,
    now: Duration,
    service: Service,
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
            mint: mint(),
            pricing: fixed(8),
            now: Duration::ZERO,
            service: Service::Resource,
        }
    }

    /// Makes the server a gate, whose last place may be taken.
    pub(crate) fn in_gate(&mut self, is_full: bool) -> &mut Self {
        self.service = Service::Relay {
            is_full,
            free_share: 1.0,
        };
        self
    }

    /// Sets the clock.
    pub(crate) fn at(&mut self, now: Duration) -> &mut Self {
        self.now = now;
        self
    }

    /// Lets the client connect again, from `client`: a new session with the same server.
    pub(crate) fn reconnect(&mut self, client: &str) -> &mut Self {
        let client: SocketAddr = client.parse().expect("an address");
        self.session = Session::new(client.into(), &self.rules, Moment::new(self.now));
        self
    }

    /// Tells the mint that every deadline up to now was acted on, as the event loop does.
    pub(crate) fn act_on_deadlines(&mut self) -> &mut Self {
        self.mint.on_deadlines_acted(Moment::new(self.now));
        self
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
        let now = Moment::new(self.now);
        let mut input = bytes.as_ref();
        let mut answers = Vec::new();
        let Self {
            session,
            rules,
            mint,
            pricing,
            service,
            ..
        } = self;
        let mut sale = Sale {
            rules,
            service: *service,
            mint,
            pricing,
        };
        while let Some(reply) = session.next_reply(&mut input, now, &mut sale) {
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
        Reply::Puzzle(puzzle, _) => format!("2:{puzzle}"),
        Reply::Paid(_) => PAID.to_string(),
        Reply::BadHeader(why) => why.text().to_string(),
        Reply::Resource(_) => SERVED.to_string(),
        Reply::Refusal { why, .. } => refusal(*why),
    }
}
