//! The hash at full width: a batch of counters at a time, in as many lanes as the machine has.

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

/// An instruction set that counters can be tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// 16 counters at a time.
    Avx512,
    /// 8 counters at a time.
    Avx2,
    /// One at a time, through the `sha1` crate: on every machine.
    Portable,
}

impl Kernel {
    /// The kernels that this machine has, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        let all = [Self::Avx512, Self::Avx2, Self::Portable];
        all.into_iter().filter(|kernel| kernel.starter().is_some())
    }

    /// The fastest that this machine has.
    pub fn best() -> Self {
        Self::available().next().unwrap_or(Self::Portable)
    }
}

/// The name, as `--kernel` takes it.
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

    /// All hits of a batch, whether they are solutions or not.
    fn hits(kernel: Kernel, layout: &Layout, batch: u64) -> BTreeSet<u64> {
        let engine = kernel.starter().unwrap()(layout);
        engine(batch)
    }

    #[test]
    fn every_kernel_finds_what_the_oracle_finds_for_every_prefix_length() {
        for len in 20..=200 {
            let powtcp = (len >= 22).then(|| challenge_with_date(len, 2, "20261122105400"));
            for challenge in [challenge(len, 9)].into_iter().chain(powtcp) {
                let layout = Layout::new(&challenge);
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
                // Beyond some 16 bits there is hardly ever one; then none may be made up.
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
    fn a_kernel_follows_when_the_block_changes() {
        // This prefix leaves 900 leads to each middle: 9 batches have one block, the next another.
        let layout = Layout::new(&challenge(60, 9));
        let expected = hits(Kernel::Portable, &layout, 9);
        for kernel in Kernel::available() {
            let engine = kernel.starter().unwrap()(&layout);
            engine(8);
            assert_eq!(engine(9), expected, "{kernel}");
        }
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
