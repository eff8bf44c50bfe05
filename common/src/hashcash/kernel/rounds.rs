//! SHA-1's rounds over vectors of lanes, described once for all instruction sets.
//!
//! SHA-1's message schedule is linear over XOR: the schedule of a block with a quad in it is that of the
//! block without, XOR that of the quad alone. The schedules of all 1,000 quads are made once, lanes side
//! by side, so that a round has no schedule to compute.
//!
//! A function with `target_feature` cannot be generic over operations that have it too, so these are
//! macros: [`operations`] makes those of an instruction set, `tables` all that is made of them.

use crate::hashcash::layout::{Block, Head, State, words};

/// Rounds of SHA-1.
pub(super) const ROUNDS: usize = 80;
/// The constant of each 20 rounds (FIPS 180-4, 4.2.1).
pub(super) const K: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// What the hashes of a head have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Early {
    /// The state after the first round that the quad has a part in, but for the word of that round.
    pub(super) state: State,
    /// What is added to the first word of the state in the end.
    pub(super) first: u32,
}

impl Early {
    /// Computes the rounds up to `start`, one of the first 16.
    pub(super) fn new(head: &Head, start: usize) -> Self {
        let [mut a, mut b, mut c, mut d, mut e] = head.state;
        for (t, word) in words(&head.block).into_iter().enumerate().take(start + 1) {
            let word = if t < start {
                word.wrapping_add(K[0])
            } else {
                0
            };
            let sum = e.wrapping_add(d ^ (b & (c ^ d))).wrapping_add(word);
            (a, b, c, d, e) = (
                sum.wrapping_add(a.rotate_left(5)),
                a,
                b.rotate_left(30),
                c,
                d,
            );
        }
        Self {
            state: [a, b, c, d, e],
            first: head.state[0],
        }
    }
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

macro_rules! tables {
    ($set:literal) => {
        use super::Hit;
        use super::rounds::{Early, K, ROUNDS, schedule};
        use crate::hashcash::layout::{Batch, Block, Layout, QUADS, words};

        /// The words of all rounds, for as many quads as there are lanes.
        type Row = [Vector; ROUNDS];

        /// What is computed once for many batches.
        #[derive(Default)]
        pub(super) struct Tables {
            /// The schedule of each quad alone; the last rows repeat the first quads.
            quads: Vec<Row>,
            /// For heads that share a block: the block's schedule mixed with `quads`, constants added.
            mixed: Vec<Row>,
            /// The block that `mixed` was made for.
            mixed_with: Option<Block>,
        }

        impl Tables {
            /// All hits of a batch.
            #[target_feature(enable = $set)]
            pub(super) fn search(&mut self, layout: &Layout, batch: &Batch, mask: u32) -> Vec<Hit> {
                let start = layout.quad_at / 4;
                let early = batch.each_ref().map(|head| Early::new(head, start));
                let mut hits = Vec::new();
                let mut add = |lanes: u32, head: usize, row: usize| {
                    let lanes = (0..LANES).filter(|lane| lanes >> lane & 1 == 1);
                    let quads = lanes.map(|lane| row * LANES + lane).filter(|&quad| quad < QUADS);
                    hits.extend(quads.map(|quad| (head, quad)));
                };
                self.prepare(layout);
                if layout.shares_block {
                    self.mix(&batch[0].block);
                    for (row, words) in self.mixed.iter().enumerate() {
                        for (chunk, early) in early.as_chunks::<STREAMS>().0.iter().enumerate() {
                            let found = rounds(early.each_ref(), start, mask, |_, t, _| words[t]);
                            if found != [0; STREAMS] {
                                (0..STREAMS).for_each(|s| add(found[s], chunk * STREAMS + s, row));
                            }
                        }
                    }
                } else {
                    let schedules = batch.each_ref().map(|head| schedule(&head.block));
                    for (chunk, quads) in self.quads.as_chunks::<STREAMS>().0.iter().enumerate() {
                        for (head, schedule) in schedules.iter().enumerate() {
                            let early = [&early[head]; STREAMS];
                            let found = rounds(early, start, mask, |s, t, k| {
                                with_constant(quads[s][t], schedule[t], k)
                            });
                            if found != [0; STREAMS] {
                                (0..STREAMS).for_each(|s| add(found[s], head, chunk * STREAMS + s));
                            }
                        }
                    }
                }
                hits
            }

            /// Makes the schedules of the quads, unless they are there.
            #[target_feature(enable = $set)]
            fn prepare(&mut self, layout: &Layout) {
                let rows = QUADS.div_ceil(LANES).next_multiple_of(STREAMS);
                for row in self.quads.len()..rows {
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
                    self.quads.push(words);
                }
            }

            /// Mixes a block's schedule with those of the quads, unless it was just done.
            #[target_feature(enable = $set)]
            fn mix(&mut self, block: &Block) {
                if self.mixed_with.as_ref() != Some(block) {
                    let schedule = schedule(block);
                    let word = |t: usize, quad| with_constant(quad, schedule[t], splat(K[t / 20]));
                    let row = |quads: &Row| std::array::from_fn(|t| word(t, quads[t]));
                    self.mixed = self.quads.iter().map(row).collect();
                    self.mixed_with = Some(*block);
                }
            }
        }

        #[inline]
        #[target_feature(enable = $set)]
        fn with_constant(quad: Vector, word: u32, constant: Vector) -> Vector {
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
            let state = |i: usize| early.map(|early| splat(early.state[i]));
            let [mut a, mut b, mut c, mut d, mut e] = [state(0), state(1), state(2), state(3), state(4)];
            let k = splat(K[0]);
            for s in 0..STREAMS {
                a[s] = add(a[s], word(s, start, k));
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
            let aligned = (start + 1).next_multiple_of(5);
            for t in start + 1..aligned {
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
