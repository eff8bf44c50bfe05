//! Which counters are tried, and where they are in the last blocks of the stamp.
//!
//! Base64 writes three decimal digits as four characters, here called a *quad*. A counter has two
//! to six quads: those of its *lead*, those of its *middle*, and the last quad. A *head* is the
//! text before the last quad. With each head, all 1,000 values of the last quad are tried. The last
//! quad is in the same block as the padding, so each attempt hashes one block.
//!
//! ```text
//! prefix ... | lead ... | middle ... | quad | 0x80 ... length
//!                     ^ the last block begins here if possible
//! ```
//!
//! Some prefixes leave few such counters. Then there is a second layout with more of them, which are
//! tried half as fast: the last quad is in the block before the last, and a *closing* block, the same
//! for all of them, has the length.

use sha1::block_api::compress;

use super::Challenge;

/// The number of values of a quad.
pub(super) const QUADS: usize = 1_000;
/// The number of heads in a batch. It divides 900, the smallest number of leads, so that all heads
/// of a batch have the same middle. Miri is slow, and gets smaller batches.
pub(super) const HEADS: usize = if cfg!(miri) { 4 } else { 100 };

const QUAD_LEN: usize = 4;
const BLOCK_LEN: usize = 64;
/// The padding of SHA-1 (FIPS 180-4, 5.1.1) has at least the byte `0x80` and eight bytes with the
/// length of the message in bits.
const PADDING_LEN: usize = 1 + 8;
/// The initial state of SHA-1 (FIPS 180-4, 5.3.1).
const INITIAL: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

/// The five words of the state of SHA-1.
pub(super) type State = [u32; 5];
/// One block of a message.
pub(super) type Block = [u8; BLOCK_LEN];

/// The part of the hash that all values of the last quad share.
pub(super) struct Head {
    /// The state of SHA-1 before the last block.
    pub(super) state: State,
    /// The last block, with zeros in the place of the last quad.
    pub(super) block: Block,
}

/// The counters of one challenge, and the blocks around them.
pub(super) struct Layout {
    /// The bits that must be zero in the first word of a hash.
    pub(super) mask: u32,
    /// The state of SHA-1 after the whole blocks of the prefix.
    midstate: State,
    /// The rest of the prefix, space for the counter, and the padding.
    tail: [Block; 2],
    /// The offset of the counter in the tail.
    counter_at: usize,
    /// The offset of the last quad in the tail.
    pub(super) quad_at: usize,
    /// The smallest lead. The first digit of a lead is not zero, so there are nine times as many.
    first_lead: u64,
    /// The number of middles.
    middles: u64,
    /// The last block, if it is behind that of the last quad.
    pub(super) closing: Option<Block>,
}

impl Layout {
    /// Chooses the longest counter whose last quad is in the same block as the padding. The lead is
    /// the part of the counter that ends before this block, so that many heads share the last block
    /// and its message schedule. If nothing ends there, or if everything is in one block, the lead
    /// is all quads but the last.
    pub(super) fn new(challenge: &Challenge) -> Self {
        let fits = |quad_at: usize| quad_at <= BLOCK_LEN - PADDING_LEN - QUAD_LEN;
        // At least one of five ends fits: they are 4 bytes apart, and 12 of 64 offsets do not fit.
        // The largest counter has 18 digits, which is less than 2^63.
        Self::with_quads(challenge, longest(challenge, fits).unwrap_or(5))
    }

    /// Returns the second layout, if the first one has fewer than 10^12 counters, which a fast machine
    /// tries in minutes. Its counters have more digits.
    pub(super) fn second(challenge: &Challenge) -> Option<Self> {
        let first = Self::new(challenge);
        let fits = |quad_at: usize| quad_at <= BLOCK_LEN - QUAD_LEN;
        let quads = longest(challenge, fits)?;
        let is_short = first.batches() < 10_u64.pow(12) / (HEADS * QUADS) as u64;
        is_short.then(|| Self::with_quads(challenge, quads))
    }

    /// Creates the layout with `quads` quads before the last one.
    fn with_quads(challenge: &Challenge, quads: usize) -> Self {
        let (whole, rest) = challenge.prefix().as_chunks();
        let mut midstate = INITIAL;
        compress(&mut midstate, whole);

        let end = |quads: usize| rest.len() + QUAD_LEN * quads;
        let in_first_block = |quads: &usize| end(*quads) <= BLOCK_LEN;
        let leads = (1..=quads).rev().find(in_first_block).unwrap_or(quads);

        let quad_at = end(quads);
        let mut tail = [[0; BLOCK_LEN]; 2];
        let text = tail.as_flattened_mut();
        text[..rest.len()].copy_from_slice(rest);
        text[end(quads + 1)] = 0x80;
        let bit_len = 8 * (BLOCK_LEN * whole.len() + end(quads + 1)) as u64;
        let last = (end(quads + 1) + PADDING_LEN - 1) / BLOCK_LEN;
        tail[last][BLOCK_LEN - 8..].copy_from_slice(&bit_len.to_be_bytes());

        let bits = u32::from(challenge.difficulty().bits());
        let choices = |quads: usize| (QUADS as u64).pow(quads as u32);
        Self {
            mask: !u32::MAX.unbounded_shr(bits),
            midstate,
            tail,
            counter_at: rest.len(),
            quad_at,
            first_lead: choices(leads) / 10,
            middles: choices(quads - leads),
            closing: (last > quad_at / BLOCK_LEN).then_some(tail[last]),
        }
    }

    /// Returns the number of batches.
    pub(super) fn batches(&self) -> u64 {
        9 * self.first_lead / HEADS as u64 * self.middles
    }

    /// Returns the counter with a head of a batch and a last quad.
    pub(super) fn counter(&self, batch: u64, head: usize, quad: usize) -> u64 {
        let index = batch * HEADS as u64 + head as u64;
        let lead = self.first_lead + index % (9 * self.first_lead);
        let middle = index / (9 * self.first_lead);
        (lead * self.middles + middle) * QUADS as u64 + quad as u64
    }

    /// Returns a head of a batch.
    pub(super) fn head(&self, batch: u64, head: usize) -> Head {
        let mut tail = self.tail;
        let mut rest = self.counter(batch, head, 0) / QUADS as u64;
        let (quads, _) = tail.as_flattened_mut()[self.counter_at..self.quad_at].as_chunks_mut();
        for quad in quads.iter_mut().rev() {
            *quad = QUAD_TEXTS[(rest % QUADS as u64) as usize];
            rest /= QUADS as u64;
        }
        let (mut state, last) = (self.midstate, self.quad_at / BLOCK_LEN);
        compress(&mut state, &tail[..last]);
        Head {
            state,
            block: tail[last],
        }
    }

    /// Returns `block` with a last quad in its place.
    pub(super) fn with_quad(&self, mut block: Block, quad: usize) -> Block {
        block[self.quad_at % BLOCK_LEN..][..QUAD_LEN].copy_from_slice(&QUAD_TEXTS[quad]);
        block
    }
}

/// Returns the largest number of quads, at most five, after which the last quad is at an offset in its block
/// that `fits`.
fn longest(challenge: &Challenge, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let rest = challenge.prefix().len() % BLOCK_LEN;
    let offset = |quads: usize| (rest + QUAD_LEN * quads) % BLOCK_LEN;
    (1..=5).rev().find(|&quads| fits(offset(quads)))
}

/// The base64 of each three decimal digits, computed at compile time.
static QUAD_TEXTS: [[u8; QUAD_LEN]; QUADS] = {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut texts = [[0; QUAD_LEN]; QUADS];
    let mut at = 0;
    while at < QUADS * QUAD_LEN {
        let (quad, i) = (at / QUAD_LEN, at % QUAD_LEN);
        let digits = ((quad / 100) << 16) | ((quad / 10 % 10) << 8) | (quad % 10);
        // `0` is 0x30.
        texts[quad][i] = ALPHABET[((0x30_3030 | digits) >> (18 - 6 * i)) & 63];
        at += 1;
    }
    texts
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use sha1::{Digest, Sha1};

    use super::super::kernel::tests::challenge;
    use super::*;

    #[test]
    fn a_counter_in_its_layout_has_the_hash_of_its_stamp() {
        for len in 20..=200 {
            let challenge = challenge(len, 8);
            let layout = Layout::new(&challenge);
            assert!(layout.quad_at % BLOCK_LEN + QUAD_LEN + PADDING_LEN <= BLOCK_LEN);
            for batch in [0, 1, layout.batches() / 2, layout.batches() - 1] {
                for (head, quad) in [(0, 0), (1, 7), (HEADS - 1, QUADS - 1)] {
                    let Head { mut state, block } = layout.head(batch, head);
                    compress(&mut state, &[layout.with_quad(block, quad)]);
                    let counter = layout.counter(batch, head, quad);
                    assert!(counter < 1 << 63);
                    let hash = Sha1::digest(challenge.stamp(counter));
                    let words = state.map(u32::to_be_bytes);
                    assert_eq!(words.as_flattened(), &hash[..], "{len} {counter}");
                }
            }
        }
    }

    #[test]
    fn only_prefixes_with_few_fast_counters_have_a_second_layout() {
        for len in 20..=200 {
            let challenge = challenge(len, 8);
            let counters = |layout: &Layout| layout.batches() * (HEADS * QUADS) as u64;
            let first = counters(&Layout::new(&challenge));
            let second = Layout::second(&challenge);
            assert_eq!(second.is_some(), (36..44).contains(&(len % 64)), "{len}");
            let most = first.max(second.as_ref().map_or(0, counters));
            assert!(most >= 9 * 10_u64.pow(14), "{len}");
            assert!(second.is_none_or(|layout| layout.closing.is_some()));
        }
    }

    #[test]
    fn no_counter_is_tried_twice() {
        for len in [20, 52, 60, 63, 64, 107, 124] {
            let layout = Layout::new(&challenge(len, 8));
            let batches = (0..40).chain([layout.batches() - 1]);
            let heads = batches.flat_map(|batch| (0..HEADS).map(move |head| (batch, head)));
            let counters: HashSet<u64> = heads.map(|(b, h)| layout.counter(b, h, 0)).collect();
            assert_eq!(counters.len(), 41 * HEADS, "{len}");
        }
    }

    /// These lengths include the prefixes of all IPv4 clients.
    #[test]
    fn heads_of_a_batch_share_their_block_if_the_lead_ends_before_it() {
        for len in 44..=60 {
            let layout = Layout::new(&challenge(len, 8));
            for batch in [0, 8, 9, layout.batches() - 1] {
                let block = |head| layout.head(batch, head).block;
                assert!((1..HEADS).all(|head| block(head) == block(0)), "{len}");
            }
        }
    }
}
