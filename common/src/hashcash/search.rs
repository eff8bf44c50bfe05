//! Batches of counters, tried by a kernel, its hits held against the oracle.

use super::Challenge;
use super::kernel::{Engine, Kernel, engine, search_head};
use super::layout::{HEADS, Layout, QUADS};

/// Counters of a batch.
pub(super) const BATCH: u64 = (HEADS * QUADS) as u64;

const FIRST_OF_19_DIGITS: u64 = 10_u64.pow(18);

/// A challenge, laid out to be tried with many counters.
pub(super) struct Search<'a> {
    challenge: &'a Challenge,
    layout: Layout,
    /// The bits of a hash's first word that must be zero.
    mask: u32,
}

impl<'a> Search<'a> {
    pub(super) fn new(challenge: &'a Challenge) -> Self {
        let bits = u32::from(challenge.difficulty().bits());
        Self {
            challenge,
            layout: Layout::new(challenge),
            mask: !u32::MAX.checked_shr(bits).unwrap_or(0),
        }
    }

    /// Makes the tables of a kernel; `None` if this machine lacks it.
    pub(super) fn engine(&self, kernel: Kernel) -> Option<Engine> {
        engine(kernel, &self.layout, self.mask)
    }

    /// The lowest solution among the first 1,000 counters, without any tables: an easy puzzle is
    /// solved here.
    pub(super) fn first_quads(&self) -> Option<u64> {
        let hits = search_head(&self.layout, self.layout.head(0, 0), self.mask);
        self.first_solution(hits.map(|quad| self.layout.counter(0, 0, quad)))
    }

    /// The lowest solution in a batch, the same whatever the kernel.
    pub(super) fn batch(&self, engine: &Engine, batch: u64) -> Option<u64> {
        if let Some(beyond) = batch.checked_sub(self.layout.batches()) {
            // A few prefixes have a layout of 9 x 10^8 counters only. Those of 19 digits are in none.
            let start = FIRST_OF_19_DIGITS + beyond * BATCH;
            return self.first_solution(start..start + BATCH);
        }
        let mut hits = engine(&self.layout.batch(batch));
        hits.sort_unstable();
        let counter = |(head, quad)| self.layout.counter(batch, head, quad);
        self.first_solution(hits.into_iter().map(counter))
    }

    /// The oracle has the last word.
    fn first_solution(&self, mut counters: impl Iterator<Item = u64>) -> Option<u64> {
        counters.find(|&counter| self.challenge.is_solved_by(counter))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A challenge in the hashcash dialect with a prefix of `len` bytes, 20 at least.
    pub(in crate::hashcash) fn challenge(len: usize, bits: u32) -> Challenge {
        challenge_with_date(len, bits, "261122105400")
    }

    fn challenge_with_date(len: usize, units: u32, date: &str) -> Challenge {
        let start = format!("1:{units}:{date}");
        let filling = len - start.len() - 4;
        let text = format!("{start}:{}:::MA==", "r".repeat(filling));
        Challenge::parse(text.as_bytes()).unwrap()
    }

    fn batch(challenge: &Challenge, kernel: Kernel, batch: u64) -> Option<u64> {
        let search = Search::new(challenge);
        search.batch(&search.engine(kernel).unwrap(), batch)
    }

    /// All hits of a batch, whether they are solutions or not.
    fn hits(search: &Search<'_>, engine: &Engine, batch: u64) -> Vec<(usize, usize)> {
        let mut hits = engine(&search.layout.batch(batch));
        hits.sort_unstable();
        hits
    }

    #[test]
    fn every_kernel_finds_what_the_oracle_finds_for_every_prefix_length() {
        for len in 20..=200 {
            let powtcp = (len >= 22).then(|| challenge_with_date(len, 2, "20261122105400"));
            let challenges = [challenge(len, 9)].into_iter().chain(powtcp);
            for challenge in challenges {
                let search = Search::new(&challenge);
                let layout = &search.layout;
                let last = layout.batches() - 1;
                for (batch, heads) in [(0, 0..2), (last, HEADS - 1..HEADS)] {
                    let engine = |kernel| search.engine(kernel).unwrap();
                    let expected = hits(&search, &engine(Kernel::Portable), batch);
                    for kernel in Kernel::available() {
                        let found = hits(&search, &engine(kernel), batch);
                        assert_eq!(found, expected, "{kernel} {len} {batch}");
                    }
                    let solved =
                        |head, quad| challenge.is_solved_by(layout.counter(batch, head, quad));
                    let quads = heads.flat_map(|head| (0..QUADS).map(move |quad| (head, quad)));
                    for (head, quad) in quads {
                        let found = expected.contains(&(head, quad));
                        assert_eq!(found, solved(head, quad), "{len} {head} {quad}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_kernel_finds_the_same_counter_at_every_difficulty() {
        for bits in 1..=40 {
            for len in [52, 64, 82] {
                let challenge = challenge(len, bits);
                // Beyond some 16 bits there is hardly ever one; then none may be made up.
                let expected = batch(&challenge, Kernel::Portable, 7);
                for kernel in Kernel::available() {
                    let found = batch(&challenge, kernel, 7);
                    assert_eq!(found, expected, "{kernel} {bits} {len}");
                }
                assert!(expected.is_none_or(|counter| challenge.is_solved_by(counter)));
            }
        }
    }

    #[test]
    fn a_search_goes_on_beyond_the_layout() {
        let challenge = challenge(40, 9);
        let search = Search::new(&challenge);
        let engine = search.engine(Kernel::best()).unwrap();
        let counter = search.batch(&engine, search.layout.batches()).unwrap();
        assert!(counter >= FIRST_OF_19_DIGITS);
        assert!(challenge.is_solved_by(counter));
    }

    #[test]
    fn a_kernel_follows_when_the_block_changes() {
        // This prefix leaves 900 leads to each middle: 9 batches have one block, the next another.
        let challenge = challenge(60, 9);
        let search = Search::new(&challenge);
        let expected = batch(&challenge, Kernel::Portable, 9);
        for kernel in Kernel::available() {
            let engine = search.engine(kernel).unwrap();
            search.batch(&engine, 8);
            assert_eq!(search.batch(&engine, 9), expected, "{kernel}");
        }
    }

    #[test]
    fn a_hit_that_the_oracle_rejects_is_no_solution() {
        let text = b"1:24:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==";
        let challenge = Challenge::parse(text).unwrap();
        let mut search = Search::new(&challenge);
        search.mask = 0xff00_0000;
        let engine = search.engine(Kernel::best()).unwrap();
        assert_eq!(search.batch(&engine, 242), None);
        assert_eq!(search.batch(&engine, 243), Some(100_024_300_000_000_690));
    }

    /// Found once by search; the last took 10^10 hashes and has more zeros than a first word shows.
    #[test]
    fn every_kernel_finds_the_known_answers() {
        let known = [
            (
                "1:24:261122105400:127.0.0.1/52386::",
                100_024_300_000_000_690,
                243,
            ),
            (
                "1:24:261122105400:2001-db8-1234-5678-9abc-def0-1111-2222/52386::",
                100_000_000_021_789_851,
                217,
            ),
            (
                "1:6:20261122105400:[2001:db8::7]:52386::",
                978_000_000_000_022_698,
                206,
            ),
            (
                "1:34:261122105400:127.0.0.1/52386::",
                131_258_329_000_000_335,
                312_583,
            ),
        ];
        for (start, counter, batch) in known {
            let text = format!("{start}YWJjZGVmZ2hpamts:MA==");
            let challenge = Challenge::parse(text.as_bytes()).unwrap();
            for kernel in Kernel::available() {
                let found = |at| self::batch(&challenge, kernel, at);
                assert_eq!(found(batch - 1), None, "{kernel} {start}");
                assert_eq!(found(batch), Some(counter), "{kernel} {start}");
            }
        }
    }
}
