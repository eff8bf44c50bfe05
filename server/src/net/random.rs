//! Random bytes of the operating system, drawn a block at a time: one system call serves about
//! 1,000 resources.

const BLOCK_LEN: usize = 4096;

/// A block of random bytes, none of which is used twice.
pub(super) struct RandomBlock {
    block: Box<[u8; BLOCK_LEN]>,
    used: usize,
}

impl RandomBlock {
    /// Creates a block that is drawn when bytes are first needed.
    pub(super) fn new() -> Self {
        Self {
            block: Box::new([0; BLOCK_LEN]),
            used: BLOCK_LEN,
        }
    }

    /// Returns `N` unused bytes, or `None` if the operating system fails to supply them.
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.used + N > BLOCK_LEN {
            getrandom::fill(self.block.as_mut_slice()).ok()?;
            self.used = 0;
        }
        let bytes = self.block[self.used..].first_chunk().copied()?;
        self.used += N;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_bytes_are_used_twice() {
        let mut random = RandomBlock::new();
        let drawn: HashSet<[u8; 12]> = (0..2_000).map(|_| random.take().unwrap()).collect();
        assert_eq!(drawn.len(), 2_000);
        assert!(!drawn.contains(&[0; 12]));
    }
}
