//! The record of each connection, and the queues that are threaded through these records. A connection
//! is in at most one queue.

use super::{Source, Standing};

/// The key of no connection.
const NONE: u32 = u32::MAX;

/// The record of one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) source: Source,
    pub(super) seniority: Seniority,
    older: u32,
    newer: u32,
}

/// The standing of a connection, and since when: the least is evicted first.
///
/// Two bits hold the standing, the others the number of the change that led to it. Packed, they take
/// half the memory of two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seniority(u64);

impl Seniority {
    /// The value of a key that is not in use.
    pub(super) const VACANT: Self = Self(u64::MAX);
    const SHIFT: u32 = u64::BITS - 2;

    pub(super) fn new(standing: Standing, change: u64) -> Self {
        Self((standing as u64) << Self::SHIFT | change)
    }

    pub(super) fn standing(self) -> Option<Standing> {
        let index = (self.0 >> Self::SHIFT) as usize;
        Standing::ALL
            .get(index)
            .copied()
            .filter(|_| self != Self::VACANT)
    }
}

/// A circular list threaded through [`Member`]: `newest.newer` is the oldest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    newest: u32,
}

impl Ring {
    /// Returns the key that has been in the ring for the longest time.
    pub(super) fn oldest(self, members: &[Member]) -> Option<u32> {
        members.get(self.newest as usize).map(|newest| newest.newer)
    }

    /// Appends a member that is in no ring.
    pub(super) fn push(&mut self, key: u32, members: &mut [Member]) {
        let (older, newer) = match self.oldest(members) {
            Some(oldest) => (self.newest, oldest),
            None => (key, key),
        };
        (members[key as usize].older, members[key as usize].newer) = (older, newer);
        members[older as usize].newer = key;
        members[newer as usize].older = key;
        self.newest = key;
    }

    /// Removes a member that is in this ring.
    pub(super) fn remove(&mut self, key: u32, members: &mut [Member]) {
        let Member { older, newer, .. } = members[key as usize];
        members[older as usize].newer = newer;
        members[newer as usize].older = older;
        if self.newest == key {
            self.newest = if older == key { NONE } else { older };
        }
    }
}

impl Default for Ring {
    fn default() -> Self {
        Self { newest: NONE }
    }
}

impl Default for Member {
    fn default() -> Self {
        Self {
            source: Source::default(),
            seniority: Seniority::VACANT,
            older: NONE,
            newer: NONE,
        }
    }
}
