//! What the server counts, for those who watch it: plain numbers, each in one place.
//!
//! Whatever happens is counted where it happens, by those around a session; `exposition` is the text
//! that Prometheus reads.

mod exposition;
mod histogram;
mod page;

use std::time::Duration;

use powtcp_common::refusal::Refusal;

pub use exposition::Gauges;
pub use histogram::Histogram;

use crate::limits::Standing;
use crate::turn::Reply;

/// All that is counted. It takes a fixed amount of memory.
#[derive(Debug)]
pub struct Metrics {
    /// Connections that the listening socket gave.
    pub accepted: u64,
    outcomes: [u64; Outcome::ALL.len()],
    puzzles: u64,
    stamps: [u64; Verdict::ALL.len()],
    refusals: [u64; Refusal::ALL.len()],
    evictions: [u64; Standing::ALL.len()],
    /// Bytes read from connections.
    pub received: u64,
    /// Bytes of answers.
    pub sent: u64,
    /// Seconds from a puzzle to its right stamp.
    solving: Histogram<12>,
    /// Seconds that a turn of the loop worked.
    pub turns: Histogram<10>,
    /// How often accepting paused for want of descriptors.
    pub accept_pauses: u64,
}

/// How a connection ended. Every one that was accepted ends in exactly one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It got a resource.
    Served,
    /// It was told why not.
    Refused,
    /// Its peer ended the stream before that.
    Left,
    /// Its socket failed, or was reset.
    Broken,
    /// It made room for another.
    Evicted,
    /// There was no room for it.
    TurnedAway,
}

/// What a stamp turned out to be.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    Right,
    NotCorrect,
    NotFound,
    Expired,
}

impl Outcome {
    const ALL: [Self; 6] = [
        Self::Served,
        Self::Refused,
        Self::Left,
        Self::Broken,
        Self::Evicted,
        Self::TurnedAway,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Refused => "refused",
            Self::Left => "left",
            Self::Broken => "broken",
            Self::Evicted => "evicted",
            Self::TurnedAway => "turned_away",
        }
    }
}

impl Verdict {
    const ALL: [Self; 4] = [Self::Right, Self::NotCorrect, Self::NotFound, Self::Expired];

    const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::NotCorrect => "not_correct",
            Self::NotFound => "not_found",
            Self::Expired => "expired",
        }
    }
}

impl Metrics {
    /// Nothing yet.
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
            stamps: [0; Verdict::ALL.len()],
            refusals: [0; Refusal::ALL.len()],
            evictions: [0; Standing::ALL.len()],
            received: 0,
            sent: 0,
            solving: Histogram::new(solving.map(Duration::from_millis)),
            turns: Histogram::new(turns.map(Duration::from_micros)),
            accept_pauses: 0,
        }
    }

    /// A connection is over.
    pub const fn closed(&mut self, outcome: Outcome) {
        self.outcomes[outcome as usize] += 1;
    }

    /// How many connections ended in this way.
    pub const fn outcomes(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// How many connections are over, in whatever way.
    pub fn ended(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// A connection of this standing makes room for another.
    pub const fn evicted(&mut self, standing: Standing) {
        self.evictions[standing as usize] += 1;
    }

    /// An answer was given.
    pub fn answered(&mut self, reply: &Reply<'_>) {
        let stamp = match *reply {
            Reply::Puzzle(_) => {
                self.puzzles += 1;
                None
            }
            Reply::Resource(_, solved_in) => {
                self.solving.observe(solved_in);
                Some(Verdict::Right)
            }
            Reply::Refusal(why, line) => {
                self.refusals[why as usize] += 1;
                match why {
                    Refusal::StampNotCorrect => Some(Verdict::NotCorrect),
                    Refusal::StampNotFound => Some(Verdict::NotFound),
                    // Without a line it is the deadline that ended it, and there was no stamp.
                    Refusal::PuzzleExpired if !line.is_empty() => Some(Verdict::Expired),
                    _ => None,
                }
            }
        };
        if let Some(verdict) = stamp {
            self.stamps[verdict as usize] += 1;
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
