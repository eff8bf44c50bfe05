//! SHA-1's rounds over vectors of lanes, described once for all instruction sets.
//!
//! SHA-1's message schedule is linear over XOR: the schedule of a block with a quad in it is that of the
//! block without, XOR that of the quad alone. The schedules of all 1,000 quads are made once, lanes side
//! by side, so that a round has no schedule to compute. Heads that share a block share the sum, too.
//!
//! A function with `target_feature` cannot be generic over operations that have it too, so these are
//! macros: [`operations`] makes those of an instruction set, [`engine`] all that is made of them.

use crate::hashcash::layout::{Block, Head, State};

/// Rounds of SHA-1.
pub(super) const ROUNDS: usize = 80;
/// The constant of each 20 rounds (FIPS 180-4, 4.2.1).
pub(super) const K: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// What the hashes of a head have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Early {
    /// The state after the first two rounds that the quad has a part in, but for that part: the first
    /// two words lack the words of these rounds, and the first also lacks the second, rotated.
    pub(super) state: State,
    /// What is added to the first word of the state in the end.
    pub(super) first: u32,
}

impl Early {
    /// Computes the rounds up to `start`, one of the first 16.
    pub(super) fn new(head: &Head, start: usize) -> Self {
        let [mut a, mut b, mut c, mut d, mut e] = head.state;
        let sum = |b: u32, c, d, e: u32| e.wrapping_add(d ^ (b & (c ^ d)));
        for word in &words(&head.block)[..start] {
            let next = sum(b, c, d, e.wrapping_add(K[0])).wrapping_add(*word);
            let next = next.wrapping_add(a.rotate_left(5));
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        let next = sum(b, c, d, e).wrapping_add(a.rotate_left(5));
        let b = b.rotate_left(30);
        Self {
            state: [sum(a, b, c, d), next, a.rotate_left(30), b, c],
            first: head.state[0],
        }
    }
}

/// A block as words, the first 16 of its schedule.
pub(super) fn words(block: &Block) -> [u32; 16] {
    let (words, _) = block.as_chunks();
    std::array::from_fn(|i| u32::from_be_bytes(words[i]))
}

/// The words that a block adds in all rounds (FIPS 180-4, 6.1.2).
pub(super) fn schedule(block: &Block) -> [u32; ROUNDS] {
    let mut schedule = [0; ROUNDS];
    schedule[..16].copy_from_slice(&words(block));
    for t in 16..ROUNDS {
        let word = schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16];
        schedule[t] = word.rotate_left(1);
    }
    schedule
}

/// Functions of an instruction set, one a line: name, constant, operands, result, expression.
macro_rules! operations {
    ($set:literal $($name:ident $([$bits:ident])? ($($x:ident: $t:ty),*) -> $r:ty = $body:expr;)*) => {
        $(
            #[inline]
            #[target_feature(enable = $set)]
            fn $name $(<const $bits: i32>)? ($($x: $t),*) -> $r {
                $body
            }
        )*
    };
}

macro_rules! engine {
    ($set:literal) => {
        use super::engine::Engine;
        use super::rounds::{Early, K, ROUNDS, schedule, words};
        use crate::hashcash::layout::{HEADS, Layout, QUADS};

        /// The words of all rounds, for as many quads as there are lanes.
        type Row = [Vector; ROUNDS];

        /// The kernel, with the schedules of all quads; the last rows repeat the first quads.
        #[target_feature(enable = $set)]
        pub(super) fn engine(layout: &Layout, mask: u32) -> Engine {
            const { assert!(HEADS.is_multiple_of(STREAMS)) };
            let start = layout.quad_at / 4;
            let count = QUADS.div_ceil(LANES).next_multiple_of(STREAMS);
            let rows: Vec<Row> = (0..count).map(|row| schedules(layout, row)).collect();
            Box::new(move |batch| {
                let early = batch.each_ref().map(|head| Early::new(head, start));
                let mut hits = Vec::new();
                // Each stream is one head further than the one before it, or one row.
                let mut add_hits = |found: [u32; STREAMS], head, row, by_head, by_row| {
                    for s in (0..STREAMS).filter(|&s| found[s] != 0) {
                        let first = (row + s * by_row) * LANES;
                        let lanes = (0..LANES).filter(|lane| found[s] >> lane & 1 == 1);
                        let quads = lanes.map(|lane| first + lane).filter(|&quad| quad < QUADS);
                        hits.extend(quads.map(|quad| (head + s * by_head, quad)));
                    }
                };
                if batch.iter().all(|head| head.block == batch[0].block) {
                    let schedule = schedule(&batch[0].block);
                    for (row, quads) in rows.iter().enumerate() {
                        let mut words = *quads;
                        for t in start..ROUNDS {
                            words[t] = mix(quads[t], schedule[t], splat(K[t / 20]));
                        }
                        for (group, early) in early.as_chunks::<STREAMS>().0.iter().enumerate() {
                            let found = rounds(early.each_ref(), start, mask, |_, t, _| words[t]);
                            add_hits(found, group * STREAMS, row, 1, 0);
                        }
                    }
                } else {
                    let schedules = batch.each_ref().map(|head| schedule(&head.block));
                    for (group, quads) in rows.as_chunks::<STREAMS>().0.iter().enumerate() {
                        for (head, schedule) in schedules.iter().enumerate() {
                            let word = |s: usize, t: usize, k| mix(quads[s][t], schedule[t], k);
                            let found = rounds([&early[head]; STREAMS], start, mask, word);
                            add_hits(found, head, group * STREAMS, 0, 1);
                        }
                    }
                }
                hits
            })
        }

        /// The schedules of a row of quads, each alone in its block.
        #[target_feature(enable = $set)]
        fn schedules(layout: &Layout, row: usize) -> Row {
            let block = |lane| layout.with_quad([0; 64], (row * LANES + lane) % QUADS);
            let blocks: [_; LANES] = std::array::from_fn(|lane| words(&block(lane)));
            let mut words = [splat(0); ROUNDS];
            for t in 0..16 {
                words[t] = gather(blocks.map(|block| block[t] as i32));
            }
            for t in 16..ROUNDS {
                let word = xor(xor(words[t - 3], words[t - 8]), xor(words[t - 14], words[t - 16]));
                words[t] = rotate::<1>(word);
            }
            words
        }

        /// What a block with a quad adds in a round.
        #[inline]
        #[target_feature(enable = $set)]
        fn mix(quad: Vector, word: u32, constant: Vector) -> Vector {
            add(xor(quad, splat(word)), constant)
        }

        /// The rounds from `start` on, several streams side by side to hide the latency of each.
        /// `word` is what a stream adds in a round, given the round's constant. Returns the lanes of
        /// each stream whose first word has no bit of `mask`.
        #[inline]
        #[target_feature(enable = $set)]
        fn rounds(
            early: [&Early; STREAMS],
            start: usize,
            mask: u32,
            word: impl Fn(usize, usize, Vector) -> Vector,
        ) -> [u32; STREAMS] {
            let [mut a, mut b, mut c, mut d, mut e] =
                [0, 1, 2, 3, 4].map(|i| early.map(|early| splat(early.state[i])));
            let k = splat(K[0]);
            for s in 0..STREAMS {
                b[s] = add(b[s], word(s, start, k));
                a[s] = add(add(a[s], word(s, start + 1, k)), rotate::<5>(b[s]));
            }
            macro_rules! round {
                ($f:ident, $k:ident, $t:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident) => {
                    for s in 0..STREAMS {
                        let sum = add(add($e[s], word(s, $t, $k)), $f($b[s], $c[s], $d[s]));
                        $e[s] = add(sum, rotate::<5>($a[s]));
                        $b[s] = rotate::<30>($b[s]);
                    }
                };
            }
            // Five rounds bring each variable back to its place.
            macro_rules! rounds {
                ($f:ident, $k:expr, $from:expr, $to:literal) => {
                    let k = splat($k);
                    for t in ($from..$to).step_by(5) {
                        round!($f, k, t, a, b, c, d, e);
                        round!($f, k, t + 1, e, a, b, c, d);
                        round!($f, k, t + 2, d, e, a, b, c);
                        round!($f, k, t + 3, c, d, e, a, b);
                        round!($f, k, t + 4, b, c, d, e, a);
                    }
                };
            }
            let aligned = (start + 2).next_multiple_of(5);
            for t in start + 2..aligned {
                round!(choose, k, t, a, b, c, d, e);
                (a, b, c, d, e) = (e, a, b, c, d);
            }
            rounds!(choose, K[0], aligned, 20);
            rounds!(parity, K[1], 20, 40);
            rounds!(majority, K[2], 40, 60);
            rounds!(parity, K[3], 60, 80);
            std::array::from_fn(|s| zero_lanes(add(a[s], splat(early[s].first)), splat(mask)))
        }
    };
}
