//! The server, as far as prices go: it sells puzzles and takes stamps. Clients see nothing else of it.
//!
//! The rules stand here as a model. If a setup says so, the real sessions do the same side by side, and
//! each price and each verdict of theirs must be that of the model.

use std::net::IpAddr;
use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_server::admission::{Price, Pricing};
use powtcp_server::time::Moment;

use super::sessions::Sessions;

/// How long a puzzle is good.
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// The time of issue of a puzzle has a resolution of 2^-24 s, and is later than that of the puzzle before.
const RESOLUTION: Duration = Duration::from_millis(1);

/// How a server is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// The least and the greatest difficulty, in bits.
    pub(crate) bits: (u32, u32),
    pub(crate) target_rate: u32,
    pub(crate) dialect: Dialect,
    /// Whether puzzles that have become too cheap age faster.
    pub(crate) ages: bool,
    /// Relays that the server can hold, if it is a gate. No relay ends.
    pub(crate) relays: Option<u32>,
    /// Honest clients that come in a second.
    pub(crate) arrivals: f64,
    /// Real sessions, whose clients really solve puzzles: with so many bits less than the hash rates are
    /// meant for.
    pub(crate) sessions: Option<u32>,
}

/// A server that serves 50 clients a second at 18 bits.
pub(crate) const USUAL: Setup = Setup {
    bits: (18, 40),
    target_rate: 50,
    dialect: Dialect::Hashcash,
    ages: true,
    relays: None,
    arrivals: 5.0,
    sessions: None,
};

impl Setup {
    /// Returns this setup with real sessions and `fewer` bits.
    pub(crate) fn with_sessions(self, fewer: u32) -> Self {
        Self {
            bits: (self.bits.0 - fewer, self.bits.1 - fewer),
            sessions: Some(fewer),
            ..self
        }
    }

    /// Returns how many hashes one hash stands for.
    pub(crate) fn scale(&self) -> f64 {
        f64::from(self.sessions.unwrap_or_default()).exp2()
    }

    pub(super) fn pricing(&self, key: u64) -> Pricing {
        let [least, greatest] = [self.bits.0, self.bits.1].map(difficulty);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&key.to_be_bytes());
        Pricing::new(least..=greatest, self.target_rate, self.dialect, bytes)
    }
}

/// A puzzle, as its client sees it.
#[derive(Clone, Copy)]
pub(crate) struct Puzzle {
    pub(crate) address: IpAddr,
    pub(crate) price: Price,
    pub(crate) asked: Moment,
    /// What the clock of the server shows when it makes the puzzle.
    issued: Moment,
    /// Its place among those that sessions have sent.
    number: usize,
}

/// What comes of connecting a client to the upstream of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upstream {
    Connects,
    /// It refuses.
    Refuses,
    /// It is not connected before the client leaves.
    IsLeft,
}

pub(crate) struct Server {
    setup: Setup,
    pricing: Pricing,
    sessions: Option<Sessions>,
    /// Relays that are open.
    held: u32,
    /// How far the clock of the server is ahead of the world's. It may change at any time.
    pub(crate) ahead: Duration,
    pub(crate) upstream: Upstream,
}

impl Server {
    pub(crate) fn new(setup: Setup, key: u64) -> Self {
        Self {
            setup,
            pricing: setup.pricing(key),
            sessions: setup.sessions.map(|_| Sessions::new(&setup, key)),
            held: 0,
            ahead: Duration::ZERO,
            upstream: Upstream::Connects,
        }
    }

    pub(crate) fn setup(&self) -> Setup {
        self.setup
    }

    /// Makes a puzzle.
    pub(crate) fn ask(&mut self, address: IpAddr, now: Moment) -> Puzzle {
        let issued = now.after(self.ahead);
        let free_share = self.free_share();
        let price = self.pricing.price(address.into(), free_share, issued);
        let number = self.sessions.as_mut().map_or(0, |sessions| {
            let (number, asked) = sessions.ask(address, free_share, issued);
            assert_eq!(asked, price, "the session asks for another price");
            number
        });
        Puzzle {
            address,
            price,
            asked: now,
            issued,
            number,
        }
    }

    /// Returns whether all relays are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.setup.relays.is_some_and(|max| self.held >= max)
    }

    /// Takes a stamp of `puzzle`, which is solved. Returns whether its client is served.
    pub(crate) fn present(&mut self, puzzle: &Puzzle, now: Moment) -> bool {
        let now = now.after(self.ahead);
        let (source, free_share) = (puzzle.address.into(), self.free_share());
        let ttl = if self.setup.ages {
            let paid = puzzle.price.difficulty;
            self.pricing.ttl_of(paid, source, free_share, now, TTL)
        } else {
            TTL
        };
        let age = now.since(puzzle.issued);
        let mut is_right = age < ttl && !self.is_full();
        let has_connected = self.upstream != Upstream::Refuses;
        if let Some(sessions) = &mut self.sessions {
            let verdict = sessions.present(puzzle.number, free_share, has_connected, now);
            let is_close = age.abs_diff(ttl) < RESOLUTION;
            assert!(verdict == is_right || is_close, "{age:?} of {ttl:?}");
            is_right = verdict;
        }
        if is_right && has_connected {
            self.held += u32::from(self.upstream == Upstream::Connects);
            let level = puzzle.price.level;
            self.pricing.served(source, level, free_share, now);
        }
        is_right && has_connected
    }

    /// Returns the level in bits.
    pub(crate) fn level(&self, now: Moment) -> u8 {
        let now = now.after(self.ahead);
        let level = self.pricing.level(self.free_share(), now);
        if let Some(sessions) = &self.sessions {
            assert_eq!(sessions.level(self.free_share(), now), level);
        }
        level.bits()
    }

    pub(crate) fn free_share(&self) -> f64 {
        let relays = self.setup.relays;
        relays.map_or(1.0, |max| 1.0 - f64::from(self.held) / f64::from(max))
    }
}

fn difficulty(bits: u32) -> Difficulty {
    Difficulty::from_bits(bits).expect("fewer bits than SHA-1 has")
}
