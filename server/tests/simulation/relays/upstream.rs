//! The service behind the gate, whose addresses accept, refuse or stall at random.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use powtcp_server::relay::{Connecting, Dial};

use super::link::{Air, Link, Phase};
use super::peer::Peer;
use super::socket::LinkSocket;
use crate::random::Random;

/// What an address does with an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Accepts at once.
    Accepts,
    AcceptsLate,
    /// Refuses at once.
    Refuses,
    RefusesLate,
    /// Never answers.
    Stalls,
    /// Has a full backlog.
    IsFull,
    /// Accepts, but the poll does not take the socket.
    IsUnwatchable,
}

impl Mood {
    /// Returns whether the attempt fails with an error.
    pub(crate) fn fails(self) -> bool {
        matches!(
            self,
            Self::Refuses | Self::RefusesLate | Self::IsUnwatchable
        )
    }

    /// Returns whether the attempt can last until its time is over.
    pub(crate) fn takes_time(self) -> bool {
        !matches!(self, Self::Accepts | Self::Refuses | Self::IsUnwatchable)
    }
}

const TCP: [Mood; 12] = [
    Mood::Accepts,
    Mood::AcceptsLate,
    Mood::AcceptsLate,
    Mood::AcceptsLate,
    Mood::AcceptsLate,
    Mood::AcceptsLate,
    Mood::AcceptsLate,
    Mood::Refuses,
    Mood::RefusesLate,
    Mood::RefusesLate,
    Mood::Stalls,
    Mood::IsUnwatchable,
];
const UNIX: [Mood; 6] = [
    Mood::Accepts,
    Mood::IsFull,
    Mood::IsFull,
    Mood::IsFull,
    Mood::IsFull,
    Mood::Refuses,
];

/// An attempt to connect for one relay.
pub(crate) struct Attempt {
    pub(crate) client: usize,
    pub(crate) index: usize,
    pub(crate) mood: Mood,
    /// The service's end, if there is a connection.
    pub(crate) peer: Option<Peer>,
    /// When the service accepts or refuses.
    pub(crate) answers_at: Option<Duration>,
}

/// The service as a relay dials it.
pub(crate) struct VirtualUpstream {
    addresses: usize,
    air: Rc<Air>,
    random: RefCell<Random>,
    /// Attempts that the world has not seen yet.
    pub(crate) attempts: Rc<RefCell<Vec<Attempt>>>,
}

impl VirtualUpstream {
    /// Creates a service with this many addresses, or none for a Unix socket.
    pub(crate) fn new(addresses: usize, air: &Rc<Air>, seed: u64) -> Self {
        Self {
            addresses,
            air: air.clone(),
            random: RefCell::new(Random::new(seed)),
            attempts: Rc::default(),
        }
    }
}

impl Dial for VirtualUpstream {
    type Socket = LinkSocket;

    fn addresses(&self) -> usize {
        self.addresses.max(1)
    }

    fn connect(&self, index: usize) -> io::Result<Connecting<LinkSocket>> {
        let random = &mut *self.random.borrow_mut();
        let now = self.air.now.get();
        let is_unix = self.addresses == 0;
        let mood = random.pick(if is_unix { &UNIX[..] } else { &TCP[..] });
        let phase = match mood {
            Mood::Accepts | Mood::IsUnwatchable => Phase::Established,
            _ => Phase::Pending,
        };
        let room = 1 + random.pick(&[200, 20_000, 2_000_000]);
        let client = self.air.dialing.get().expect("a relay that dials");
        let link = Link::new(&self.air, client, phase, room);
        link.borrow_mut().unwatchable = mood == Mood::IsUnwatchable;
        let answers = matches!(mood, Mood::AcceptsLate | Mood::RefusesLate);
        let longest = random.pick(&[20, 20, 20, 600]);
        let number = random.below(1_000_000);
        let mut attempt = Attempt {
            client,
            index,
            mood,
            peer: None,
            answers_at: answers.then(|| now + random.within(longest)),
        };
        if !matches!(mood, Mood::IsFull | Mood::Refuses) {
            attempt.peer = Some(Peer::new(link.clone(), number, now, random));
        }
        self.attempts.borrow_mut().push(attempt);
        match mood {
            Mood::IsFull => Ok(Connecting::Retry),
            Mood::Refuses => Err(ErrorKind::ConnectionRefused.into()),
            _ if phase == Phase::Established => Ok(Connecting::Made(LinkSocket::new(link))),
            _ => Ok(Connecting::Pending(LinkSocket::new(link))),
        }
    }

    fn is_connected(&self, socket: &LinkSocket) -> io::Result<bool> {
        socket.is_connected()
    }
}

impl fmt::Display for VirtualUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("virtual")
    }
}
