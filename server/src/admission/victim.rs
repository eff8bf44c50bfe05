//! The connections of one source, and which one is evicted first.

use std::cmp::Reverse;

use super::Standing;
use super::ring::{Member, Ring};

/// Connections up to which all sources count as holding equally many. A client behind a shared address must
/// not be the next victim in a flood from single addresses.
pub(super) const EQUAL_SOURCES: u32 = 8;

/// The connections of one source.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// The number of its connections, without lingering ones.
    pub(super) count: u32,
    fresh: Ring,
    puzzled: Ring,
}

/// The order of victims: the least is evicted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The number of connections of its source, at least [`EQUAL_SOURCES`].
    pub(super) crowd: Reverse<u32>,
    /// The number of its admission, with the head start of a puzzle added.
    age: u64,
    /// Of two connections of the same age, the one that holds a puzzle is evicted first: it was admitted
    /// earlier.
    is_fresh: bool,
    pub(super) key: u32,
}

/// Ranks the connections of a source for eviction.
#[derive(Debug, Clone, Copy)]
pub(super) struct VictimOrder {
    /// Admissions by which a connection that holds a puzzle counts as younger.
    pub(super) head_start: u64,
}

impl VictimOrder {
    /// Returns the rank of the best victim of a source, if the source counted `count` connections.
    pub(super) fn best_of(self, holding: &Holding, count: u32, members: &[Member]) -> Option<Rank> {
        let rank = |key: u32, is_fresh: bool| {
            let head_start = if is_fresh { 0 } else { self.head_start };
            Rank {
                crowd: Reverse(count.max(EQUAL_SOURCES)),
                age: members[key as usize].progress.admission() + head_start,
                is_fresh,
                key,
            }
        };
        let fresh = holding.fresh.oldest(members).map(|key| rank(key, true));
        let puzzled = holding.puzzled.oldest(members).map(|key| rank(key, false));
        match (fresh, puzzled) {
            (Some(fresh), Some(puzzled)) => Some(fresh.min(puzzled)),
            (fresh, puzzled) => fresh.or(puzzled),
        }
    }
}

impl Holding {
    /// Returns the ring of the connections of this standing; delivering ones are in none.
    pub(super) fn ring<'a>(
        &'a mut self,
        standing: Standing,
        lingering: &'a mut Ring,
    ) -> Option<&'a mut Ring> {
        match standing {
            Standing::Lingering => Some(lingering),
            Standing::Fresh => Some(&mut self.fresh),
            Standing::Puzzled => Some(&mut self.puzzled),
            Standing::Delivering => None,
        }
    }
}
