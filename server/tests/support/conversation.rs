//! A session without a socket: bytes and made-up times go in, and the answers come out as lines of
//! the wire protocol.

use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::RAND_LEN;
use powtcp_common::refusal::Refusal;
use powtcp_server::moment::{Moment, Now};
use powtcp_server::session::Session;
pub(crate) use powtcp_server::session::{DELIVERY_TIMEOUT, End};
use powtcp_server::turn::{Host, Reply, Turn};

use super::answers::refusal;
use super::rules::Rules;

/// The line that stands for every resource.
pub(crate) const SERVED: &str = "4:Don't Panic.";

/// The wall clock of every conversation: 2026-11-22T10:54:00Z.
const WALL: Duration = Duration::from_secs(1_795_344_840);

/// A session and what surrounds it. All times count from the start of the server.
pub(crate) struct Conversation {
    session: Session,
    host: FakeHost,
    rules: Rules,
    now: Duration,
}

/// Collects answers. Its random bytes are those of [`rand`].
#[derive(Default)]
struct FakeHost {
    out_of_entropy: bool,
    draws: u8,
    answers: Vec<String>,
}

impl Host for FakeHost {
    fn draw(&mut self) -> Option<[u8; RAND_LEN]> {
        if self.out_of_entropy {
            return None;
        }
        self.draws += 1;
        Some(rand(self.draws - 1))
    }

    fn answer(&mut self, _: Now, _: ClientAddr, reply: Reply<'_>) {
        self.answers.push(match reply {
            Reply::Puzzle(puzzle) => format!("2:{puzzle}"),
            Reply::Resource(..) => SERVED.to_string(),
            Reply::Refusal(why, ..) => refusal(why),
        });
    }
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
            session: Session::new(client.into(), &rules, Moment::new(Duration::ZERO)),
            host: FakeHost::default(),
            rules,
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
        self.host.out_of_entropy = out_of_entropy;
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
        self.session.deadline().since(Moment::new(Duration::ZERO))
    }

    /// Sends `bytes` and returns the answers to them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let mut input = bytes.as_ref();
        self.act(|session, turn| session.on_bytes(&mut input, turn))
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
        self.act(|session, turn| session.on_eof(turn.now))
    }

    /// Ends the session from outside, and returns its answers.
    pub(crate) fn refuse(&mut self, why: Refusal) -> Vec<String> {
        self.act(|session, turn| session.refuse(why, turn))
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

    fn act(&mut self, act: impl FnOnce(&mut Session, &mut Turn<'_>)) -> Vec<String> {
        let now = Now {
            moment: Moment::new(self.now),
            wall: WALL,
        };
        let mut turn = Turn {
            now,
            rules: &self.rules,
            host: &mut self.host,
        };
        act(&mut self.session, &mut turn);
        std::mem::take(&mut self.host.answers)
    }
}
