//! The spent puzzles: no puzzle is accepted twice, in bounded memory.
//!
//! Puzzles are remembered in two generations. A new generation begins when the older one has expired or
//! when the younger one is full; then the older one is forgotten. Because one of its puzzles could be
//! presented again, all puzzles that are not newer than its newest are refused from then on.

use std::collections::HashSet;

use powtcp_common::hashcash::RAND_LEN;

use crate::time::IssueTime;

/// Puzzles in one generation. It bounds the memory that clients who pay can take: both generations
/// together hold a million puzzles and take about 28 MB.
const GENERATION: usize = 1 << 19;

/// Remembers spent puzzles by their RAND.
#[derive(Debug)]
pub(super) struct SpentPuzzles {
    capacity: usize,
    younger: Generation,
    older: Generation,
    /// Puzzles up to this time of issue are refused, because some of them were forgotten.
    floor: IssueTime,
}

#[derive(Debug)]
struct Generation {
    rands: HashSet<[u8; RAND_LEN]>,
    /// The newest time of issue among the puzzles.
    newest: IssueTime,
}

impl SpentPuzzles {
    pub(super) fn new() -> Self {
        Self::with_capacity(GENERATION)
    }

    /// Creates an empty memory whose generations hold up to `capacity` puzzles.
    fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            younger: Generation::new(),
            older: Generation::new(),
            floor: IssueTime::MIN,
        }
    }

    /// Returns whether a puzzle of this time of issue may have been forgotten.
    pub(super) fn may_have_forgotten(&self, issued: IssueTime) -> bool {
        issued <= self.floor
    }

    /// Returns whether a puzzle is remembered as spent.
    pub(super) fn contains(&self, rand: &[u8; RAND_LEN]) -> bool {
        self.younger.rands.contains(rand) || self.older.rands.contains(rand)
    }

    /// Remembers a puzzle. `expired` is the newest time of issue whose puzzles cannot be presented any
    /// more, so that they can be forgotten.
    pub(super) fn insert(&mut self, rand: [u8; RAND_LEN], issued: IssueTime, expired: IssueTime) {
        if self.older.newest <= expired || self.younger.rands.len() >= self.capacity {
            self.floor = self.floor.max(self.older.newest);
            self.older = std::mem::replace(&mut self.younger, Generation::new());
        }
        self.younger.rands.insert(rand);
        self.younger.newest = self.younger.newest.max(issued);
    }
}

impl Generation {
    fn new() -> Self {
        Self {
            rands: HashSet::new(),
            newest: IssueTime::MIN,
        }
    }
}
