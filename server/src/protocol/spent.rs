//! The spent puzzles: no puzzle is accepted twice, in bounded memory.
//!
//! Puzzles are remembered in two generations. A new generation begins when the older one has expired or
//! when the younger one is full; then the older one is forgotten. Because one of its puzzles could be
//! presented again, all puzzles that are not newer than its newest are refused from then on.

use std::collections::HashSet;

use powtcp_common::hashcash::RAND_LEN;

use crate::time::IssueTime;

/// Puzzles in one generation: as many as a hash table of 2^19 slots holds. It bounds the memory that clients
/// who pay can take, to about 20 MB for both generations.
const GENERATION: usize = (1 << 19) / 8 * 7;

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

    /// Forgets one puzzle, which can be spent again.
    pub(super) fn remove(&mut self, rand: &[u8; RAND_LEN]) {
        self.younger.rands.remove(rand);
        self.older.rands.remove(rand);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> IssueTime {
        IssueTime::new(Duration::from_secs(second))
    }

    fn rand(number: u64) -> [u8; RAND_LEN] {
        let mut rand = [0; RAND_LEN];
        rand[..8].copy_from_slice(&number.to_be_bytes());
        rand
    }

    /// Returns whether a puzzle would be accepted, and spends it if so.
    fn spend(spent: &mut SpentPuzzles, number: u64, issued: u64, expired: u64) -> bool {
        let is_new = !spent.may_have_forgotten(at(issued)) && !spent.contains(&rand(number));
        if is_new {
            spent.insert(rand(number), at(issued), at(expired));
        }
        is_new
    }

    #[test]
    fn a_full_generation_forgets_the_one_before_and_refuses_what_is_no_newer() {
        let mut spent = SpentPuzzles::with_capacity(3);
        // The first generation ends at once, because there is no older one that must be kept.
        for number in 9..16 {
            assert!(spend(&mut spent, number, number, 0));
        }
        assert!((10..16).all(|number| spent.contains(&rand(number))));
        assert!(spend(&mut spent, 16, 16, 0));
        assert!((10..13).all(|number| !spent.contains(&rand(number))));
        assert!((10..=12).all(|issued| spent.may_have_forgotten(at(issued))));
        assert!(!spent.may_have_forgotten(at(13)));
    }

    #[test]
    fn expired_puzzles_are_forgotten_without_a_full_generation() {
        let mut spent = SpentPuzzles::with_capacity(1000);
        assert!(spend(&mut spent, 1, 100, 0));
        assert!(spend(&mut spent, 2, 101, 100));
        assert!(spent.contains(&rand(1)) && spent.contains(&rand(2)));
        assert!(spend(&mut spent, 3, 200, 101));
        assert!(spend(&mut spent, 4, 201, 101));
        assert!(!spent.contains(&rand(1)));
    }

    proptest! {
        /// Puzzles are presented again and again, some of them dated ahead. The clock goes on meanwhile.
        #[test]
        fn no_puzzle_is_accepted_twice(
            capacity in 1..6_usize,
            ttl in 1..20_u64,
            steps in vec((0..30_u64, 0..4_u64), 1..200),
        ) {
            let mut spent = SpentPuzzles::with_capacity(capacity);
            let mut accepted = HashSet::new();
            let mut now = 1000;
            for (number, pause) in steps {
                now += pause;
                let issued = 1000 + number * 3;
                // The check of a stamp refuses puzzles that have expired or are dated too far ahead.
                if now >= issued + ttl || issued > now + 10 {
                    continue;
                }
                if spend(&mut spent, number, issued, now - ttl) {
                    prop_assert!(accepted.insert(number), "{number} at {now}");
                } else {
                    prop_assert!(accepted.contains(&number) || spent.may_have_forgotten(at(issued)));
                }
            }
        }
    }
}
