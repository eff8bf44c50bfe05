//! The peers of relays: what a client or a service sends, reads, and how it leaves.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::link::Link;
use crate::random::Random;

/// How a peer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// Ends its stream when it has sent everything, and reads on.
    HalfCloses,
    /// Waits for the end of the other stream, and then ends its own.
    Follows,
    /// Closes when it has sent everything: it takes no more bytes.
    Closes,
    /// Resets the connection at a random moment.
    Resets,
    /// Sends everything and stays.
    Stays,
}

const LEAVING: [Leaving; 12] = [
    Leaving::HalfCloses,
    Leaving::HalfCloses,
    Leaving::HalfCloses,
    Leaving::HalfCloses,
    Leaving::HalfCloses,
    Leaving::HalfCloses,
    Leaving::Follows,
    Leaving::Follows,
    Leaving::Follows,
    Leaving::Closes,
    Leaving::Resets,
    Leaving::Stays,
];

/// One end of a stream in each direction.
pub(crate) struct Peer {
    pub(crate) link: Rc<RefCell<Link>>,
    /// What its stream consists of: the byte at each place follows from this number.
    pub(crate) number: usize,
    /// Bytes that it has sent, and that it will have sent in total.
    pub(crate) sent: usize,
    total: usize,
    /// The most that it sends, and reads, in one step.
    chunks: [usize; 2],
    /// The longest pause between two steps, in milliseconds.
    pause: usize,
    leaving: Leaving,
    /// When it acts next.
    pub(crate) wake: Option<Duration>,
}

/// Returns `len` bytes of the stream with this number, from a place on.
pub(crate) fn stream(number: usize, from: usize, len: usize) -> Vec<u8> {
    let byte = |place: usize| ((place * 31 + place / 251 + number * 97) % 256) as u8;
    (from..from + len).map(byte).collect()
}

impl Peer {
    /// Creates a peer that acts for the first time at `now`.
    pub(crate) fn new(
        link: Rc<RefCell<Link>>,
        number: usize,
        now: Duration,
        random: &mut Random,
    ) -> Self {
        let size = random.pick(&[1, 100, 5_000, 60_000]);
        let size = if random.percent(4) { 1_000_000 } else { size };
        let total = random.below(size);
        let reads_nothing = random.percent(5);
        Self {
            link,
            number,
            sent: 0,
            total,
            chunks: [
                1 + total / (1 + random.below(8)),
                if reads_nothing {
                    0
                } else {
                    1 + random.pick(&[500, 5_000, 2_000_000])
                },
            ],
            pause: random.pick(&[2, 20, 20, 2_000]),
            leaving: random.pick(&LEAVING),
            wake: Some(now),
        }
    }

    /// Sends the next bytes of its stream, and `before` ahead of them.
    pub(crate) fn send(&mut self, before: &str, len: usize) {
        let len = len.min(self.total - self.sent);
        let bytes = [before.as_bytes(), &stream(self.number, self.sent, len)].concat();
        if self.link.borrow_mut().send(&bytes) {
            self.sent += len;
        }
    }

    /// Reads what has arrived, within its limits.
    pub(crate) fn read(&self) {
        self.link.borrow_mut().take(self.chunks[1]);
    }

    /// Takes one step of its stream.
    pub(crate) fn act(&mut self, now: Duration, random: &mut Random) {
        self.read();
        if self.sent < self.total && random.percent(80) {
            self.send("", 1 + random.below(self.chunks[0]));
        }
        let mut link = self.link.borrow_mut();
        let is_done = self.sent == self.total;
        match self.leaving {
            Leaving::HalfCloses if is_done => link.end(false),
            Leaving::Follows if is_done && link.is_drained() => link.end(false),
            Leaving::Closes if is_done => link.end(true),
            Leaving::Resets if random.percent(5) => link.reset(),
            _ => {}
        }
        let is_over = link.reset || link.closed.is_some() && link.is_drained();
        let has_nothing_to_do = is_done && self.leaving == Leaving::Stays && random.percent(30);
        let is_over = is_over || has_nothing_to_do;
        let pause = if is_done { 500 } else { self.pause };
        self.wake = (!is_over).then(|| now + random.within(pause));
    }
}
