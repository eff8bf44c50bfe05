//! The counters of the server. Events are counted where they happen, outside the pure rooms; the
//! text that Prometheus reads is in `exposition`.

mod exposition;
mod histogram;
mod page;
mod prices;
mod relays;

use std::time::Duration;

use powtcp_common::refusal::Refusal;

pub use exposition::Gauges;
pub use histogram::Histogram;
pub use prices::PriceMetrics;
pub use relays::RelayMetrics;

use crate::admission::Standing;
use crate::protocol::{Evidence, Reply};

/// All counters and histograms. They take a fixed amount of memory.
#[derive(Debug)]
pub struct Metrics {
    /// Connections accepted.
    pub accepted: u64,
    outcomes: [u64; Outcome::ALL.len()],
    puzzles: u64,
    stamps: [u64; StampCheck::ALL.len()],
    refusals: [u64; Refusal::ALL.len()],
    evictions: [u64; Standing::ALL.len()],
    /// Bytes read from connections.
    pub received: u64,
    /// Bytes of answers.
    pub sent: u64,
    /// Time from a puzzle to its right stamp.
    solving: Histogram<12>,
    /// Working time of one turn of the event loop.
    pub turns: Histogram<10>,
    /// Times that accepting paused because descriptors ran out or accepting kept failing.
    pub accept_pauses: u64,
    prices: PriceMetrics,
    /// What the relays of a gate do.
    pub relays: RelayMetrics,
}

/// How a connection ended. Every accepted connection has exactly one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The client got a resource.
    Served,
    /// The client got an error.
    Refused,
    /// The client ended its stream before that.
    Left,
    /// The socket failed, or was reset.
    Broken,
    /// It was evicted to make room for another connection.
    Evicted,
    /// It was turned away, at a full table or during a shutdown.
    TurnedAway,
    /// Its client has paid or is exempt, and it became a relay.
    Relayed,
    /// It had no good PROXY protocol header.
    Unnamed,
}

/// The result of checking a stamp.
#[derive(Debug, Clone, Copy)]
enum StampCheck {
    Right,
    NotCorrect,
    NotFound,
    Expired,
}

impl Outcome {
    const ALL: [Self; 8] = [
        Self::Served,
        Self::Refused,
        Self::Left,
        Self::Broken,
        Self::Evicted,
        Self::TurnedAway,
        Self::Relayed,
        Self::Unnamed,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Refused => "refused",
            Self::Left => "left",
            Self::Broken => "broken",
            Self::Evicted => "evicted",
            Self::TurnedAway => "turned_away",
            Self::Relayed => "relayed",
            Self::Unnamed => "unnamed",
        }
    }
}

impl StampCheck {
    const ALL: [Self; 4] = [Self::Right, Self::NotCorrect, Self::NotFound, Self::Expired];

    fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::NotCorrect => "not_correct",
            Self::NotFound => "not_found",
            Self::Expired => "expired",
        }
    }
}

impl Metrics {
    /// Creates counters at zero.
    pub fn new() -> Self {
        let solving = [
            10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
        ];
        let turns = [
            50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000,
        ];
        Self {
            accepted: 0,
            outcomes: [0; Outcome::ALL.len()],
            puzzles: 0,
            stamps: [0; StampCheck::ALL.len()],
            refusals: [0; Refusal::ALL.len()],
            evictions: [0; Standing::ALL.len()],
            received: 0,
            sent: 0,
            solving: Histogram::new(solving.map(Duration::from_millis)),
            turns: Histogram::new(turns.map(Duration::from_micros)),
            accept_pauses: 0,
            prices: PriceMetrics::new(),
            relays: RelayMetrics::new(),
        }
    }

    /// Counts the end of a connection.
    pub fn closed(&mut self, outcome: Outcome) {
        self.outcomes[outcome as usize] += 1;
    }

    /// Returns the number of connections that ended with `outcome`.
    pub fn outcomes(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Returns the number of connections that have ended.
    pub fn ended(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Counts an eviction of a connection of this standing.
    pub fn evicted(&mut self, standing: Standing) {
        self.evictions[standing as usize] += 1;
    }

    /// Counts an answer.
    pub fn answered(&mut self, reply: &Reply<'_>) {
        let check = match reply {
            Reply::Puzzle(_, price) => {
                self.puzzles += 1;
                self.prices.on_asked(*price);
                None
            }
            Reply::BadHeader(_) => None,
            Reply::Paid(payment) | Reply::Resource(payment) => {
                self.solving.observe(payment.solved_in);
                self.prices.on_paid(payment.price);
                Some(StampCheck::Right)
            }
            Reply::Refusal { why, evidence } => {
                self.refusals[*why as usize] += 1;
                match why {
                    Refusal::StampNotCorrect => Some(StampCheck::NotCorrect),
                    Refusal::StampNotFound => Some(StampCheck::NotFound),
                    // Without a line it was the deadline that passed, and there was no stamp.
                    Refusal::PuzzleExpired if matches!(evidence, Evidence::Line(_)) => {
                        Some(StampCheck::Expired)
                    }
                    _ => None,
                }
            }
        };
        if let Some(check) = check {
            self.stamps[check as usize] += 1;
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
