//! The kernels, which hash a batch of counters with the vector instructions of the processor.
//!
//! `rounds` describes the computation once for all instruction sets. `avx512` and `avx2` name the
//! instructions, and `portable` uses the `sha1` crate instead. `engine` detects what the processor
//! supports.

#[cfg(target_arch = "x86_64")]
#[macro_use]
mod rounds;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[allow(unsafe_code, reason = "it calls code for an instruction set")]
mod engine;
pub(super) mod portable;

use std::fmt;

/// An implementation of the search for one instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// AVX-512: hashes 16 counters at a time.
    Avx512,
    /// AVX2: hashes 8 counters at a time.
    Avx2,
    /// The `sha1` crate: hashes one counter at a time, on every machine.
    Portable,
}

impl Kernel {
    /// Returns the kernels that this machine supports, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        let all = [Self::Avx512, Self::Avx2, Self::Portable];
        all.into_iter().filter(|kernel| kernel.starter().is_some())
    }

    /// Returns the fastest kernel that this machine supports.
    pub fn best() -> Self {
        Self::available().next().unwrap_or(Self::Portable)
    }
}

/// Writes the name, as `--kernel` takes it.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hashcash::Challenge;
    use crate::hashcash::layout::{HEADS, Layout, QUADS};

    /// Returns a challenge in the hashcash dialect with a prefix of `len` bytes, which are at least
    /// 20.
    pub(in crate::hashcash) fn challenge(len: usize, bits: u32) -> Challenge {
        challenge_with_date(len, bits, "261122105400")
    }

    fn challenge_with_date(len: usize, units: u32, date: &str) -> Challenge {
        let start = format!("1:{units}:{date}");
        let filling = len - start.len() - 4;
        let text = format!("{start}:{}:::MA==", "r".repeat(filling));
        Challenge::parse(text.as_bytes()).unwrap()
    }

    /// Returns both layouts of a challenge, or the only one.
    fn with_layouts(challenge: Challenge) -> Vec<(Challenge, Layout)> {
        let layouts = [Some(Layout::new(&challenge)), Layout::second(&challenge)];
        let layouts = layouts.into_iter().flatten();
        layouts.map(|layout| (challenge.clone(), layout)).collect()
    }

    /// Returns all hits of a batch, whether they are solutions or not.
    fn hits(kernel: Kernel, layout: &Layout, batch: u64) -> BTreeSet<u64> {
        let engine = kernel.starter().unwrap()(layout);
        engine(batch)
    }

    #[test]
    fn every_kernel_finds_what_the_oracle_finds_for_every_prefix_length() {
        for len in 20..=200 {
            let powtcp = (len >= 22).then(|| challenge_with_date(len, 2, "20261122105400"));
            let challenges = [challenge(len, 9)].into_iter().chain(powtcp);
            for (challenge, layout) in challenges.flat_map(with_layouts) {
                let last = layout.batches() - 1;
                for (batch, heads) in [(0, 0..2), (last, HEADS - 1..HEADS)] {
                    let expected = hits(Kernel::Portable, &layout, batch);
                    for kernel in Kernel::available() {
                        let found = hits(kernel, &layout, batch);
                        assert_eq!(found, expected, "{kernel} {len} {batch}");
                    }
                    let quads = heads.flat_map(|head| (0..QUADS).map(move |quad| (head, quad)));
                    for (head, quad) in quads {
                        let counter = layout.counter(batch, head, quad);
                        let solved = challenge.is_solved_by(counter);
                        assert_eq!(expected.contains(&counter), solved, "{len} {counter}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_kernel_finds_the_same_counters_at_every_difficulty() {
        for bits in 1..=40 {
            for len in [52, 64, 82] {
                let challenge = challenge(len, bits);
                let layout = Layout::new(&challenge);
                // With more than about 16 bits a batch rarely has a hit.
                let expected = hits(Kernel::Portable, &layout, 7);
                for kernel in Kernel::available() {
                    let found = hits(kernel, &layout, 7);
                    assert_eq!(found, expected, "{kernel} {bits} {len}");
                }
                let mut counters = expected.into_iter();
                assert!(counters.all(|counter| challenge.is_solved_by(counter)));
            }
        }
    }

    #[test]
    fn a_kernel_notices_that_the_last_block_changes() {
        // This prefix leaves 900 leads for each middle, so the last block changes after 9 batches.
        let layout = Layout::new(&challenge(60, 9));
        let expected = hits(Kernel::Portable, &layout, 9);
        for kernel in Kernel::available() {
            let engine = kernel.starter().unwrap()(&layout);
            engine(8);
            assert_eq!(engine(9), expected, "{kernel}");
        }
    }

    /// The counters were found by search. The last one took 10^10 hashes, and its hash has more
    /// leading zeros than the 32 bits that kernels check.
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
            let layout = Layout::new(&challenge);
            for kernel in Kernel::available() {
                assert!(
                    hits(kernel, &layout, batch - 1).is_empty(),
                    "{kernel} {start}"
                );
                let found = hits(kernel, &layout, batch);
                assert_eq!(found, BTreeSet::from([counter]), "{kernel} {start}");
                assert!(challenge.is_solved_by(counter), "{start}");
            }
        }
    }
}
