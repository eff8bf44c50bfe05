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
mod portable;

use std::fmt;

pub(super) use engine::{Engine, engine};
pub(super) use portable::search_head;

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

/// A head and a last quad whose hash begins with as many zeros as its first word can show.
type Hit = (usize, usize);

impl Kernel {
    /// All kernels, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The kernels that this machine has, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.is_available())
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
