//! The search of one thread: batches of counters, tried by a kernel, its hits held against the oracle.

use super::Challenge;
use super::kernel::{Engine, Kernel, engine, search_head};
use super::layout::{HEADS, Layout, QUADS};

/// Counters of a batch.
pub(super) const BATCH: u64 = (HEADS * QUADS) as u64;

const FIRST_OF_19_DIGITS: u64 = 10_u64.pow(18);

/// A challenge, prepared to be tried with many counters.
pub(super) struct Search<'a> {
    challenge: &'a Challenge,
    layout: Layout,
    /// The bits of a hash's first word that must be zero.
    mask: u32,
    /// `None` if this machine lacks it.
    engine: Option<Engine>,
}

impl<'a> Search<'a> {
    pub(super) fn new(challenge: &'a Challenge, kernel: Kernel) -> Self {
        let bits = u32::from(challenge.difficulty().bits());
        let mask = !u32::MAX.checked_shr(bits).unwrap_or(0);
        Self {
            challenge,
            layout: Layout::new(challenge),
            mask,
            engine: engine(kernel),
        }
    }

    /// The lowest solution among the first 1,000 counters of the first batch, without any tables; and
    /// how many were tried. An easy puzzle is solved here.
    pub(super) fn first_quads(&self) -> (Option<u64>, u64) {
        let mut hits = search_head(&self.layout, self.layout.head(0, 0), self.mask);
        let good = |quad: &usize| {
            self.challenge
                .is_solved_by(self.layout.counter(0, 0, *quad))
        };
        match hits.find(good) {
            Some(quad) => (Some(self.layout.counter(0, 0, quad)), quad as u64 + 1),
            None => (None, QUADS as u64),
        }
    }

    /// The lowest solution in a batch, the same whatever the kernel.
    pub(super) fn batch(&mut self, batch: u64) -> Option<u64> {
        if let Some(beyond) = batch.checked_sub(self.layout.batches()) {
            // A few prefixes have a layout of 9 x 10^8 counters only. Those of 19 digits are in none.
            let start = FIRST_OF_19_DIGITS + beyond * BATCH;
            return (start..start + BATCH).find(|&counter| self.challenge.is_solved_by(counter));
        }
        let engine = self.engine.as_mut()?;
        let mut hits = engine(&self.layout, &self.layout.batch(batch), self.mask);
        hits.sort_unstable();
        let counters = hits
            .into_iter()
            .map(|(head, quad)| self.layout.counter(batch, head, quad));
        counters
            .into_iter()
            .find(|&counter| self.challenge.is_solved_by(counter))
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

    fn kernels() -> impl Iterator<Item = Kernel> {
        Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
    }

    /// All hits of a batch, whether they are solutions or not.
    fn hits(search: &mut Search<'_>, batch: u64) -> Vec<(usize, usize)> {
        let heads = search.layout.batch(batch);
        let mut hits = search.engine.as_mut().unwrap()(&search.layout, &heads, search.mask);
        hits.sort_unstable();
        hits
    }

    #[test]
    fn every_kernel_finds_what_the_oracle_finds_for_every_prefix_length() {
        for len in 20..=200 {
            let powtcp = (len >= 22).then(|| challenge_with_date(len, 2, "20261122105400"));
            let challenges = [challenge(len, 9)].into_iter().chain(powtcp);
            for challenge in challenges {
                let mut portable = Search::new(&challenge, Kernel::Portable);
                let layout = portable.layout.clone();
                let last = layout.batches() - 1;
                for (batch, heads) in [(0, 0..2), (last, HEADS - 1..HEADS)] {
                    let expected = hits(&mut portable, batch);
                    for kernel in kernels() {
                        let mut search = Search::new(&challenge, kernel);
                        assert_eq!(hits(&mut search, batch), expected, "{kernel} {len}");
                        assert_eq!(hits(&mut search, batch), expected, "{kernel} {len} again");
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
                let mut portable = Search::new(&challenge, Kernel::Portable);
                // Beyond some 16 bits there is hardly ever one; then none may be made up.
                let expected = portable.batch(7);
                for kernel in kernels() {
                    let found = Search::new(&challenge, kernel).batch(7);
                    assert_eq!(found, expected, "{kernel} {bits} {len}");
                }
                assert!(expected.is_none_or(|counter| challenge.is_solved_by(counter)));
            }
        }
    }

    #[test]
    fn a_search_goes_on_beyond_the_layout() {
        let challenge = challenge(40, 9);
        let mut search = Search::new(&challenge, Kernel::best());
        let counter = search.batch(search.layout.batches()).unwrap();
        assert!(counter >= FIRST_OF_19_DIGITS);
        assert!(challenge.is_solved_by(counter));
    }

    #[test]
    fn tables_are_made_anew_when_the_block_changes() {
        // This prefix leaves 900 leads to each middle: 15 batches have one block, the next another.
        let challenge = challenge(60, 9);
        let expected = Search::new(&challenge, Kernel::Portable).batch(15);
        for kernel in kernels() {
            let mut search = Search::new(&challenge, kernel);
            search.batch(0);
            assert_eq!(search.batch(15), expected, "{kernel}");
        }
    }

    #[test]
    fn a_hit_that_the_oracle_rejects_is_no_solution() {
        let text = b"1:24:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==";
        let challenge = Challenge::parse(text).unwrap();
        let mut search = Search::new(&challenge, Kernel::best());
        search.mask = 0xff00_0000;
        assert_eq!(search.batch(404), None);
        assert_eq!(search.batch(405), Some(100_024_300_000_000_690));
    }

    /// Found once by search; the last took 10^10 hashes and has more zeros than a first word shows.
    #[test]
    fn every_kernel_finds_the_known_answers() {
        let known = [
            (
                "1:24:261122105400:127.0.0.1/52386::",
                100_024_300_000_000_690,
                405,
            ),
            (
                "1:24:261122105400:2001-db8-1234-5678-9abc-def0-1111-2222/52386::",
                100_000_000_021_789_851,
                363,
            ),
            (
                "1:6:20261122105400:[2001:db8::7]:52386::",
                978_000_000_000_022_698,
                344,
            ),
            (
                "1:34:261122105400:127.0.0.1/52386::",
                131_258_329_000_000_335,
                520_972,
            ),
        ];
        for (start, counter, batch) in known {
            let text = format!("{start}YWJjZGVmZ2hpamts:MA==");
            let challenge = Challenge::parse(text.as_bytes()).unwrap();
            for kernel in kernels() {
                let mut search = Search::new(&challenge, kernel);
                assert_eq!(search.batch(batch - 1), None, "{kernel} {start}");
                assert_eq!(search.batch(batch), Some(counter), "{kernel} {start}");
            }
        }
    }
}
