//! The only unsafe code. To call a function compiled for an instruction set is sound where the
//! processor has that set, and the processor is asked first.

use super::{Hit, Kernel, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::hashcash::layout::{Batch, Layout};

/// A kernel at work, with its tables: finds all hits of a batch, in no order.
pub(in crate::hashcash) type Engine = Box<dyn Fn(&Batch) -> Vec<Hit> + Send + Sync>;

/// Starts a kernel for hits whose first words have no bit of `mask`; `None` if this machine lacks it.
pub(in crate::hashcash) fn engine(kernel: Kernel, layout: &Layout, mask: u32) -> Option<Engine> {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has AVX-512F.
        Kernel::Avx512 if kernel.is_available() => Some(unsafe { avx512::engine(layout, mask) }),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has AVX2.
        Kernel::Avx2 if kernel.is_available() => Some(unsafe { avx2::engine(layout, mask) }),
        Kernel::Portable => Some(portable::engine(layout.clone(), mask)),
        _ => None,
    }
}

impl Kernel {
    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            kernel => kernel == Self::Portable,
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
        for kernel in Kernel::ALL {
            if let Some(engine) = engine(kernel, &layout, 0xffff_ff00) {
                let counters: Vec<_> = engine(&layout.batch(batch))
                    .into_iter()
                    .map(|(head, quad)| layout.counter(batch, head, quad))
                    .collect();
                assert_eq!(counters, [100_024_300_000_000_690], "{kernel}");
            } else {
                assert_ne!(kernel, Kernel::Portable);
            }
        }
    }
}
