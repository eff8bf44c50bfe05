//! Which counters are searched, and where they lie in the last blocks of the stamp.
//!
//! Three decimal digits are four base64 characters: a *quad*. A counter is two to six quads, those of
//! its `lead`, of its `middle`, and the last one, which takes 1,000 values while all before it stands
//! still, and which lies whole in the last block with the padding.
//!
//! ```text
//! prefix ... | lead ... | middle ... | quad | 0x80 ... length
//!                     ^ here the last block begins, if it can
//! ```

use sha1::block_api::compress;

use super::Challenge;

/// Values of the last quad, and of any other.
pub(super) const QUADS: usize = 1_000;
/// Heads of a batch. It divides 900, the least number of leads, so that a batch has one middle.
/// Miri interprets each instruction, and is given less to do.
pub(super) const HEADS: usize = if cfg!(miri) { 4 } else { 100 };

const QUAD_LEN: usize = 4;
const BLOCK_LEN: usize = 64;
/// The byte `0x80`, and the message's length in bits in eight bytes.
const PADDING_LEN: usize = 1 + 8;
/// SHA-1's initial state (FIPS 180-4, 5.3.1).
const INITIAL: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

/// The five words of SHA-1's state.
pub(super) type State = [u32; 5];
/// A block of a message.
pub(super) type Block = [u8; BLOCK_LEN];

/// All that is settled before the last quad.
pub(super) struct Head {
    /// SHA-1's state before the last block.
    pub(super) state: State,
    /// The last block; the bytes of the quad are zero.
    pub(super) block: Block,
}

/// A challenge, laid out.
pub(super) struct Layout {
    /// The bits of a hash's first word that must be zero.
    pub(super) mask: u32,
    /// The state after the whole blocks of the prefix.
    midstate: State,
    /// The rest of the prefix, room for the counter, and the padding.
    tail: [Block; 2],
    /// Where the counter begins in the tail, and where its last quad does.
    counter_at: usize,
    pub(super) quad_at: usize,
    /// The least lead; there are nine times as many.
    first_lead: u64,
    middles: u64,
}

impl Layout {
    /// Takes the longest counter whose last quad lies whole in a block, with the padding. Its lead is
    /// what ends in the block before: then many heads share the last block and its schedule. Where
    /// nothing ends there, or all lies in one block, all but the last quad is lead.
    pub(super) fn new(challenge: &Challenge) -> Self {
        let (whole, rest) = challenge.prefix().as_chunks();
        let mut midstate = INITIAL;
        compress(&mut midstate, whole);

        let end = |quads: usize| rest.len() + QUAD_LEN * quads;
        let fits = |quads: &usize| end(*quads) % BLOCK_LEN <= BLOCK_LEN - PADDING_LEN - QUAD_LEN;
        // Of five ends, 4 bytes apart, one fits at least: it is 12 of 64 that do not. 18 digits stay
        // below 2^63.
        let quads = (1..=5).rev().find(fits).unwrap_or(5);
        let in_first_block = |quads: &usize| end(*quads) <= BLOCK_LEN;
        let leads = (1..=quads).rev().find(in_first_block).unwrap_or(quads);

        let quad_at = end(quads);
        let mut tail = [[0; BLOCK_LEN]; 2];
        let text = tail.as_flattened_mut();
        text[..rest.len()].copy_from_slice(rest);
        text[end(quads + 1)] = 0x80;
        let bit_len = 8 * (BLOCK_LEN * whole.len() + end(quads + 1)) as u64;
        tail[quad_at / BLOCK_LEN][BLOCK_LEN - 8..].copy_from_slice(&bit_len.to_be_bytes());

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
        }
    }

    /// How many batches there are.
    pub(super) fn batches(&self) -> u64 {
        9 * self.first_lead / HEADS as u64 * self.middles
    }

    /// The counter of a head of a batch and a last quad. The lead's first digit is no zero.
    pub(super) fn counter(&self, batch: u64, head: usize, quad: usize) -> u64 {
        let index = batch * HEADS as u64 + head as u64;
        let lead = self.first_lead + index % (9 * self.first_lead);
        let middle = index / (9 * self.first_lead);
        (lead * self.middles + middle) * QUADS as u64 + quad as u64
    }

    /// One head of a batch.
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

    /// `block` with a last quad in its place.
    pub(super) fn with_quad(&self, mut block: Block, quad: usize) -> Block {
        block[self.quad_at % BLOCK_LEN..][..QUAD_LEN].copy_from_slice(&QUAD_TEXTS[quad]);
        block
    }
}

/// Base64 of each three decimal digits, made by the compiler.
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
    fn a_laid_out_counter_hashes_as_its_stamp_does() {
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
    fn no_counter_is_tried_twice() {
        for len in [20, 52, 60, 63, 64, 107, 124] {
            let layout = Layout::new(&challenge(len, 8));
            let batches = (0..40).chain([layout.batches() - 1]);
            let heads = batches.flat_map(|batch| (0..HEADS).map(move |head| (batch, head)));
            let counters: HashSet<u64> = heads.map(|(b, h)| layout.counter(b, h, 0)).collect();
            assert_eq!(counters.len(), 41 * HEADS, "{len}");
        }
    }

    /// The stamps of all IPv4 clients are among them.
    #[test]
    fn heads_of_a_batch_share_their_block_where_the_lead_ends_before_it() {
        for len in 44..=60 {
            let layout = Layout::new(&challenge(len, 8));
            for batch in [0, 8, 9, layout.batches() - 1] {
                let block = |head| layout.head(batch, head).block;
                assert!((1..HEADS).all(|head| block(head) == block(0)), "{len}");
            }
        }
    }
}
