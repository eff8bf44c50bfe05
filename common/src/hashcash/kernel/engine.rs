//! The only unsafe code. To call a function compiled for an instruction set is sound where the
//! processor has that set; here it is called only by a closure that was made after the processor was
//! asked.

use super::{Hit, Kernel, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::hashcash::layout::{Batch, Layout};

/// A kernel at work, with its tables: finds all hits of a batch, whose first words have no bit of the
/// mask. All its calls are for one layout.
pub(in crate::hashcash) type Engine = Box<dyn FnMut(&Layout, &Batch, u32) -> Vec<Hit>>;

/// Starts a kernel; `None` if this machine lacks it.
pub(in crate::hashcash) fn engine(kernel: Kernel) -> Option<Engine> {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 if is_x86_feature_detected!("avx512f") => {
            let mut tables = avx512::Tables::default();
            // SAFETY: the processor has AVX-512F.
            Some(Box::new(move |layout, batch, mask| unsafe {
                tables.search(layout, batch, mask)
            }))
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 if is_x86_feature_detected!("avx2") => {
            let mut tables = avx2::Tables::default();
            // SAFETY: the processor has AVX2.
            Some(Box::new(move |layout, batch, mask| unsafe {
                tables.search(layout, batch, mask)
            }))
        }
        Kernel::Avx512 | Kernel::Avx2 => None,
        Kernel::Portable => Some(Box::new(portable::search)),
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
        for kernel in Kernel::ALL {
            if let Some(mut engine) = engine(kernel) {
                let hits = engine(&layout, &layout.batch(batch), 0xffff_ff00);
                let counters: Vec<_> = hits
                    .iter()
                    .map(|&(head, quad)| layout.counter(batch, head, quad))
                    .collect();
                assert_eq!(counters, [100_024_300_000_000_690], "{kernel}");
            } else {
                assert_ne!(kernel, Kernel::Portable);
            }
        }
    }
}
