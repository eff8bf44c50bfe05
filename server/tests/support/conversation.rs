//! A session driven without a socket: bytes and made-up times go in, answers come out as the lines
//! that they are on the wire.

use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::{Dialect, Difficulty, RAND_LEN, Terms};
use powtcp_common::refusal::Refusal;
use powtcp_server::moment::{Moment, Now};
use powtcp_server::session::{End, Session};
use powtcp_server::turn::{Host, Reply, Rules, Turn};

/// What stands for the resource.
pub(crate) const SERVED: &str = "4:Don't Panic.";

/// The wall clock of every conversation: 2026-11-22T10:54:00Z.
const WALL: Duration = Duration::from_secs(1_795_344_840);

/// Rules that solve in no time: 8 bits, and round numbers for the rest.
pub(crate) fn rules(dialect: Dialect) -> Rules {
    Rules {
        terms: Terms {
            dialect,
            difficulty: Difficulty::from_bits(8).expect("8 of 160 bits"),
        },
        ttl: Duration::from_secs(60),
        handshake_timeout: Duration::from_secs(10),
        max_puzzles: 8,
    }
}

/// A session with what surrounds it.
pub(crate) struct Conversation {
    pub(crate) session: Session,
    pub(crate) host: FakeHost,
    rules: Rules,
    now: Duration,
}

/// Collects answers; its random bytes are `abcdefghijkl`, the first of them counted up.
#[derive(Default)]
pub(crate) struct FakeHost {
    pub(crate) out_of_entropy: bool,
    drawn: u8,
    answers: Vec<String>,
}

impl Host for FakeHost {
    fn draw(&mut self) -> Option<[u8; RAND_LEN]> {
        if self.out_of_entropy {
            return None;
        }
        self.drawn += 1;
        Some(rand(self.drawn - 1))
    }

    fn answer(&mut self, _: Now, _: ClientAddr, reply: Reply<'_>) {
        self.answers.push(match reply {
            Reply::Puzzle(puzzle) => format!("2:{puzzle}"),
            Reply::Resource(..) => SERVED.to_string(),
            Reply::Refusal(why, ..) => format!("0:{why}"),
        });
    }
}

/// The random bytes that are drawn after so many others.
pub(crate) fn rand(drawn: u8) -> [u8; RAND_LEN] {
    let mut rand = *b"abcdefghijkl";
    rand[0] += drawn;
    rand
}

impl Conversation {
    /// With the client 127.0.0.1:52386, at the time zero.
    pub(crate) fn new(rules: Rules) -> Self {
        Self::with_client(rules, "127.0.0.1:52386")
    }

    pub(crate) fn with_client(rules: Rules, client: &str) -> Self {
        let client: SocketAddr = client.parse().expect("an address");
        Self {
            session: Session::new(client.into(), &rules, Moment::new(Duration::ZERO)),
            host: FakeHost::default(),
            rules,
            now: Duration::ZERO,
        }
    }

    /// Lets the time be so much after the start.
    pub(crate) fn at(&mut self, since_start: Duration) -> &mut Self {
        self.now = since_start;
        self
    }

    /// Sends `bytes`; returns the answers to them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let mut input = bytes.as_ref();
        self.act(|session, turn| session.on_bytes(&mut input, turn))
    }

    /// Asks for a puzzle; returns the answer.
    pub(crate) fn puzzle(&mut self) -> String {
        let mut answers = self.send("1:\n");
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    /// Lets the session look at the time.
    pub(crate) fn deadline(&mut self) -> Vec<String> {
        self.act(Session::on_deadline)
    }

    pub(crate) fn shutdown(&mut self) -> Vec<String> {
        self.act(Session::on_shutdown)
    }

    pub(crate) fn refuse(&mut self, why: Refusal) -> Vec<String> {
        self.act(|session, turn| session.refuse(why, turn))
    }

    pub(crate) fn eof(&mut self) -> Vec<String> {
        self.act(|session, turn| session.on_eof(turn.now))
    }

    /// Sends `bytes` and expects `answer` alone, and with it the end of the session.
    #[track_caller]
    pub(crate) fn ends_with(&mut self, bytes: impl AsRef<[u8]>, answer: &str) {
        let shown = String::from_utf8_lossy(bytes.as_ref()).into_owned();
        assert_eq!(self.send(bytes), [answer], "{shown:?}");
        let end = if answer == SERVED {
            End::Served
        } else {
            End::Refused
        };
        assert_eq!(self.session.end(), Some(end), "{shown:?}");
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
