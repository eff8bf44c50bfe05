//! The only unsafe code. To call a function compiled for an instruction set is sound where the
//! processor has that set, and the processor is asked first.

use std::collections::BTreeSet;

use super::{Kernel, portable};
use crate::hashcash::layout::Layout;

/// A kernel at work, with its tables. Finds all hits of a batch: the counters whose hashes begin
/// with as many zeros as a first word can show.
pub(in crate::hashcash) type Engine<'a> = Box<dyn Fn(u64) -> BTreeSet<u64> + Sync + 'a>;

impl Kernel {
    /// What starts this kernel; `None` if this machine lacks it.
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

    /// Small enough for Miri, which is to see every call of this module.
    #[test]
    fn a_kernel_is_started_where_the_processor_has_it_and_finds_a_known_answer() {
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
