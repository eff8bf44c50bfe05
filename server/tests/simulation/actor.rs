//! The clients: honest ones, and nine kinds that misbehave.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use powtcp_common::hashcash::Difficulty;

use crate::random::Random;
use crate::support::pipe::Pipe;
use crate::support::stamps::stamp;

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Asks for a puzzle, solves it, pays, and closes after the answer.
    Honest,
    /// Sends nothing.
    Silent,
    /// Sends one byte per second.
    Slowloris,
    /// Sends random bytes.
    Garbage,
    /// Does what an honest client does, with a wrong stamp.
    WrongStamp,
    /// Asks for puzzles and solves none.
    Hoard,
    /// Reads few bytes or none; some read everything after a while.
    NeverRead,
    /// Sends a line without an end, and ignores all answers.
    EndlessLine,
    /// Resets its connection.
    Reset,
    /// Asks and ends its stream at once.
    HalfClose,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 10] = [
        Self::Honest,
        Self::Silent,
        Self::Slowloris,
        Self::Garbage,
        Self::WrongStamp,
        Self::Hoard,
        Self::NeverRead,
        Self::EndlessLine,
        Self::Reset,
        Self::HalfClose,
    ];
}

/// The client's end of one connection.
pub(crate) struct Actor {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) pipe: Rc<RefCell<Pipe>>,
    /// When it acts next.
    pub(crate) wake: Option<Duration>,
    /// Whether its right stamp has arrived.
    pub(crate) has_paid: bool,
    /// Whether it must get its resource: the stamp has arrived in time.
    pub(crate) is_owed: bool,
    /// The bytes that it is about to send.
    outgoing: Vec<u8>,
    /// How many of these bytes follow its stamp, without a purpose.
    excess: usize,
    /// The number of its last step: an honest client asks in the first and pays in the second.
    begun: u32,
}

/// Returns the difficulty of all puzzles here.
pub(crate) fn difficulty() -> Difficulty {
    Difficulty::from_bits(4).expect("4 of 160 bits")
}

impl Actor {
    /// Creates a client that acts for the first time at `now`.
    pub(crate) fn new(kind: Kind, address: SocketAddr, now: Duration, random: &mut Random) -> Self {
        let window = (kind == Kind::NeverRead).then(|| random.below(200));
        let pipe = Pipe::new(window);
        pipe.borrow_mut().unwatchable = random.below(200) == 0;
        Self {
            kind,
            address,
            pipe,
            wake: Some(now),
            has_paid: false,
            is_owed: false,
            outgoing: Vec::new(),
            excess: if random.percent(30) { 3 } else { 0 },
            begun: 0,
        }
    }

    /// Takes one step.
    pub(crate) fn act(&mut self, now: Duration, random: &mut Random) {
        if self.pipe.borrow().closed {
            self.wake = None;
            return;
        }
        let pause = match self.kind {
            Kind::Honest => self.handshake(true, random),
            Kind::WrongStamp => self.handshake(false, random),
            Kind::Silent => None,
            Kind::Slowloris => {
                let next: &[u8] = if self.begun == 0 { b"1" } else { b":" };
                self.begun += 1;
                self.send(next);
                Some(Duration::from_secs(1))
            }
            Kind::Garbage => {
                let alphabet = b"01234::::=/x\r\n\xff\0";
                let bytes: Vec<u8> = (0..random.below(24))
                    .map(|_| random.pick(alphabet))
                    .collect();
                self.send(&bytes);
                Some(random.within(500))
            }
            Kind::Hoard => {
                self.send(&b"1:\n".repeat(1 + random.below(3)));
                Some(random.within(5_000))
            }
            Kind::NeverRead => {
                let requests = b"1:\n".repeat(random.below(9));
                self.send(&requests);
                match random.below(4) {
                    0 => self.send(b"?\n"),
                    1 => self.pipe.borrow_mut().open_window(),
                    _ => {}
                }
                Some(random.within(4_000))
            }
            Kind::EndlessLine => {
                self.send(&vec![b'x'; random.below(100_000)]);
                Some(random.within(50))
            }
            Kind::Reset => {
                if self.begun == 1 {
                    self.pipe.borrow_mut().reset();
                } else if random.percent(50) {
                    self.send(b"1:\n");
                }
                self.begun += 1;
                (self.begun == 1).then(|| random.within(3_000))
            }
            Kind::HalfClose => {
                self.send(random.pick(&[&b"1:\n"[..], b"1:\n1:\n3:", b"", b"?\n"]));
                self.pipe.borrow_mut().end();
                None
            }
        };
        self.wake = pause.map(|pause| now + pause);
    }

    /// Returns whether it has found its stamp and has not sent all of it.
    pub(crate) fn is_paying(&self) -> bool {
        let is_open = !self.pipe.borrow().closed;
        is_open && self.kind == Kind::Honest && self.begun == 2 && !self.has_paid
    }

    fn send(&self, bytes: &[u8]) {
        self.pipe.borrow_mut().send(bytes);
    }

    /// Takes one step of asking and paying, and returns the time until the next one.
    fn handshake(&mut self, right: bool, random: &mut Random) -> Option<Duration> {
        if !self.outgoing.is_empty() {
            let len = if random.percent(50) {
                self.outgoing.len()
            } else {
                1 + random.below(self.outgoing.len())
            };
            let piece: Vec<u8> = self.outgoing.drain(..len).collect();
            self.send(&piece);
            self.has_paid = right && self.begun == 2 && self.outgoing.len() <= self.excess;
            return Some(random.within(20));
        }
        let mut pipe = self.pipe.borrow_mut();
        if pipe.shut {
            pipe.end();
            return None;
        }
        match (self.begun, pipe.lines().last()) {
            (0, _) => self.outgoing = b"1:\n".to_vec(),
            (1, Some(line)) if line.starts_with("2:") => {
                let prefix = line["2:".len()..].trim_end_matches("MA==");
                let stamp = stamp(prefix, right, difficulty());
                self.outgoing = format!("3:{stamp}\n{}", &"1:\n"[..self.excess]).into_bytes();
                self.begun = 2;
                return Some(random.within(8_000));
            }
            _ => return Some(random.within(200)),
        }
        self.begun = 1;
        Some(random.within(100))
    }
}
