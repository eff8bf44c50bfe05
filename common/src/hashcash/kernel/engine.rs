//! Starts the kernels. This is the only unsafe code of the project: it calls functions that are
//! compiled for an instruction set. These calls are sound because they follow a check that the
//! processor supports this set.

use std::collections::BTreeSet;

use super::{Kernel, portable};
use crate::hashcash::layout::Layout;

/// A started kernel with its tables. Given the number of a batch, it returns all *hits*: the
/// counters whose hashes have the required zeros in the first 32 bits.
pub(in crate::hashcash) type Engine<'a> = Box<dyn Fn(u64) -> BTreeSet<u64> + Send + Sync + 'a>;

impl Kernel {
    /// Returns the function that starts this kernel, or `None` if this machine does not support it.
    pub(in crate::hashcash) fn starter(self) -> Option<fn(&Layout) -> Engine<'_>> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if is_x86_feature_detected!("avx512f") => {
                // SAFETY: the processor has AVX-512F.
                Some(|layout| unsafe { super::avx512::engine(layout) })
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if is_x86_feature_detected!("avx2") => {
                // SAFETY: the processor has AVX2.
                Some(|layout| unsafe { super::avx2::engine(layout) })
            }
            Self::Portable => Some(portable::engine),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashcash::Challenge;
    use crate::hashcash::layout::HEADS;

    /// Covers every call of this module, and is fast enough for Miri.
    #[test]
    fn every_supported_kernel_starts_and_finds_a_known_answer() {
        let text = b"1:24:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==";
        let layout = Layout::new(&Challenge::parse(text).unwrap());
        let batch = 24_300 / HEADS as u64;
        for kernel in [Kernel::Avx512, Kernel::Avx2, Kernel::Portable] {
            if let Some(start) = kernel.starter() {
                let hits = start(&layout)(batch);
                assert_eq!(hits, BTreeSet::from([100_024_300_000_000_690]), "{kernel}");
            } else {
                assert_ne!(kernel, Kernel::Portable);
            }
        }
    }
}
