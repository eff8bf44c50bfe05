//! Queues of connections that share one table of links: each is in at most one.

use super::{Source, Standing};

/// The key of nobody.
const NONE: u32 = u32::MAX;

/// What is known of the connection with a key: whose it is and how far it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) source: Source,
    /// The number of the change that brought it to its standing.
    pub(super) since: u64,
    older: u32,
    newer: u32,
    /// `None` where no connection has the key.
    pub(super) standing: Option<Standing>,
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
            since: 0,
            older: NONE,
            newer: NONE,
            standing: None,
        }
    }
}
