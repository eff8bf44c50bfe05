//! The record of each connection, and the queues that are threaded through these records. A connection
//! is in at most one queue.

use super::{Source, Standing};

/// The key of no connection.
const NONE: u32 = u32::MAX;

/// Members that an insertion passes. Sources with fewer connections, which all count as equal, are kept
/// in exact order.
const MAX_STEPS: usize = 8;

/// The record of one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) source: Source,
    pub(super) progress: Progress,
    older: u32,
    newer: u32,
}

/// The standing of a connection, and the number of its admission.
///
/// Two bits hold the standing, the others the number. Packed, they take half the memory of two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress(u64);

impl Progress {
    /// The value of a key that is not in use.
    pub(super) const VACANT: Self = Self(u64::MAX);
    const SHIFT: u32 = u64::BITS - 2;

    /// Returns the progress of a connection that was admitted after `number` others.
    pub(super) fn admitted_as(number: u64) -> Self {
        Self(number).with(Standing::Fresh)
    }

    /// Returns the same admission with another standing.
    pub(super) fn with(self, standing: Standing) -> Self {
        Self((standing as u64) << Self::SHIFT | self.admission())
    }

    /// Returns the number of the admission.
    pub(super) fn admission(self) -> u64 {
        self.0 & !(u64::MAX << Self::SHIFT)
    }

    /// Returns the standing, or `None` for a key that is not in use.
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
        let newest = if self.newest == NONE {
            key
        } else {
            self.newest
        };
        link(key, newest, members);
        self.newest = key;
    }

    /// Inserts a member that is in no ring before those that were admitted later. It passes at most
    /// [`MAX_STEPS`] of them, because one source with many connections must not make each insertion
    /// expensive.
    pub(super) fn insert(&mut self, key: u32, members: &mut [Member]) {
        let admission = |key: u32| members[key as usize].progress.admission();
        let Some(oldest) = self.oldest(members) else {
            return self.push(key, members);
        };
        let mut older = self.newest;
        for _ in 0..MAX_STEPS {
            if admission(older) < admission(key) {
                break;
            }
            if older == oldest {
                // The new oldest stands behind the newest of a circular list.
                return link(key, self.newest, members);
            }
            older = members[older as usize].older;
        }
        link(key, older, members);
        if older == self.newest {
            self.newest = key;
        }
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

/// Puts `key` behind `older`, which may be `key` itself: then it is alone.
fn link(key: u32, older: u32, members: &mut [Member]) {
    let newer = if older == key {
        key
    } else {
        members[older as usize].newer
    };
    (members[key as usize].older, members[key as usize].newer) = (older, newer);
    members[older as usize].newer = key;
    members[newer as usize].older = key;
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
            progress: Progress::VACANT,
            older: NONE,
            newer: NONE,
        }
    }
}
