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
