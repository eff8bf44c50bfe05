//! What is known of each connection, and queues that share these records: each is in at most one.

use super::{Source, Standing};

/// The key of nobody.
const NONE: u32 = u32::MAX;

/// What is known of the connection with a key: whose it is and how far it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) source: Source,
    pub(super) seniority: Seniority,
    older: u32,
    newer: u32,
}

/// What a connection has shown, and for how long: the least gives way first.
///
/// Two bits of standing, then the number of the change that brought it there: half of what the two
/// would take apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seniority(u64);

impl Seniority {
    /// Of a key that no connection has.
    pub(super) const NOBODY: Self = Self(u64::MAX);
    const SHIFT: u32 = u64::BITS - 2;

    pub(super) const fn new(standing: Standing, change: u64) -> Self {
        Self((standing as u64) << Self::SHIFT | change)
    }

    pub(super) fn standing(self) -> Option<Standing> {
        let index = (self.0 >> Self::SHIFT) as usize;
        Standing::ALL
            .get(index)
            .copied()
            .filter(|_| self != Self::NOBODY)
    }
}

/// A queue, its ends tied: whoever is newer than the newest is the oldest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    newest: u32,
}

impl Ring {
    /// Who has been in it for longest.
    pub(super) fn oldest(self, members: &[Member]) -> Option<u32> {
        members.get(self.newest as usize).map(|newest| newest.newer)
    }

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

    /// Takes out a member that is in this ring.
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
            seniority: Seniority::NOBODY,
            older: NONE,
            newer: NONE,
        }
    }
}
