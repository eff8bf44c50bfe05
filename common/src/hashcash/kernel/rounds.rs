//! The rounds of SHA-1 on vectors, described once for all instruction sets.
//!
//! The message schedule of SHA-1 is linear over XOR: the schedule of a block with a quad is the
//! schedule of the block without the quad, XOR the schedule of the quad alone. The schedules of all
//! 1,000 quads are computed once, one quad in each lane, so that no round computes a schedule.
//! Heads that share a block also share the XOR of the two schedules.
//!
//! A function with `target_feature` cannot be generic over operations with the same attribute.
//! Therefore `engine` is a macro: it makes a kernel from the operations of an instruction set,
//! which it finds by their names.

use crate::hashcash::layout::{Block, Head, State};

/// The number of rounds of SHA-1.
pub(super) const ROUNDS: usize = 80;
/// The constant of each 20 rounds (FIPS 180-4, 4.2.1).
pub(super) const K: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// The functions of the rounds (FIPS 180-4, 4.1.1) as truth tables. The first operand is the
/// highest bit of the row number.
pub(super) const CHOOSE: i32 = 0xca;
pub(super) const PARITY: i32 = 0x96;
pub(super) const MAJORITY: i32 = 0xe8;

/// Returns the state after the first two rounds that depend on the quad, `start` and the next one,
/// without the part that depends on it. So the first two words of the state lack the schedule words
/// of these rounds, and the first word also lacks the rotated second one.
pub(super) fn early(head: &Head, start: usize) -> State {
    let round = |[a, b, c, d, e]: State, word: u32| {
        let sum = e.wrapping_add(d ^ (b & (c ^ d))).wrapping_add(word);
        let next = sum.wrapping_add(a.rotate_left(5));
        [next, a, b.rotate_left(30), c, d]
    };
    let words = words(&head.block).map(|word| word.wrapping_add(K[0]));
    let state = words[..start].iter().copied().fold(head.state, round);
    let [next, a, b, c, d] = round(state, 0);
    let [sum, _, b, c, d] = round([0, a, b, c, d], 0);
    [sum, next, b, c, d]
}

/// Returns a block as 16 words, which are the first of its schedule.
pub(super) fn words(block: &Block) -> [u32; 16] {
    let (words, _) = block.as_chunks();
    std::array::from_fn(|i| u32::from_be_bytes(words[i]))
}

/// Returns the message schedule of a block, one word for each round (FIPS 180-4, 6.1.2). `mix`
/// computes XOR and a rotation by 1. It may use an instruction set that only the caller is compiled
/// for, so this function is always inlined.
#[inline(always)]
pub(super) fn schedule<W: Copy>(block: [W; 16], mix: impl Fn([W; 4]) -> W) -> [W; ROUNDS] {
    let mut words = [block[0]; ROUNDS];
    words[..16].copy_from_slice(&block);
    for t in 16..ROUNDS {
        words[t] = mix([16, 14, 8, 3].map(|back| words[t - back]));
    }
    words
}

macro_rules! engine {
    ($set:literal, $($lane:literal)*) => {
        use std::array::from_fn;
        use std::collections::BTreeSet;

        use super::engine::Engine;
        use super::rounds::{CHOOSE, K, MAJORITY, PARITY, ROUNDS, early, schedule, words};
        use crate::hashcash::layout::{Block, HEADS, Layout, QUADS, State};

        /// The states of the streams.
        type States = [[Vector; 5]; STREAMS];

        /// Starts the kernel: computes the schedules of all quads. The last row repeats the first
        /// quads to fill its lanes.
        #[target_feature(enable = $set)]
        pub(super) fn engine(layout: &Layout) -> Engine<'_> {
            // The first of the 16 words of the block that contains a byte of the last quad.
            let start = layout.quad_at / 4 % 16;
            let rows: Vec<_> = (0..QUADS).step_by(LANES).map(|quad| row(layout, quad)).collect();
            let schedule_of = |block: &Block| {
                schedule(words(block), |[a, b, c, d]| (a ^ b ^ c ^ d).rotate_left(1))
            };
            let closing = layout.closing.as_ref().map(schedule_of);
            Box::new(move |batch| {
                let heads: [_; HEADS] = from_fn(|head| layout.head(batch, head));
                let early = heads.each_ref().map(|head| early(head, start));
                let one_block = heads.iter().all(|head| head.block == heads[0].block);
                let blocks = if one_block { 1 } else { HEADS };
                let schedules = heads[..blocks].iter().map(|head| schedule_of(&head.block));
                let schedules: Vec<_> = schedules.collect();
                let mut hits = BTreeSet::new();
                for (row, quads) in rows.iter().enumerate() {
                    // The schedule word plus the constant of a round, for a head and these quads.
                    let word = |head: usize, t: usize, k| {
                        add(xor(quads[t], splat(schedules[head][t] as i32)), k)
                    };
                    let shared: [_; ROUNDS] = from_fn(|t| word(0, t, splat(K[t / 20] as i32)));
                    for first in (0..HEADS).step_by(STREAMS) {
                        let early = from_fn(|s| early[first + s]);
                        let states = if one_block {
                            rounds(early, start, |_, t, _| shared[t])
                        } else {
                            rounds(early, start, |s, t, k| word(first + s, t, k))
                        };
                        let start_of = |s: usize| heads[first + s].state.map(|w| splat(w as i32));
                        let mut states = sums(states, from_fn(start_of));
                        if let Some(closing) = &closing {
                            states = sums(close(states, closing), states);
                        }
                        for (head, [word, ..]) in (first..).zip(states) {
                            let mut lanes = u32::from(zero_lanes(word, splat(layout.mask as i32)));
                            while lanes != 0 {
                                let quad = row * LANES + lanes.trailing_zeros() as usize;
                                hits.insert(layout.counter(batch, head, quad % QUADS));
                                lanes &= lanes - 1;
                            }
                        }
                    }
                }
                hits
            })
        }

        /// Returns the schedules of one quad for each lane, each quad alone in its block.
        #[target_feature(enable = $set)]
        fn row(layout: &Layout, first: usize) -> [Vector; ROUNDS] {
            let block = |lane| layout.with_quad([0; 64], (first + lane) % QUADS);
            let blocks: [_; LANES] = from_fn(|lane| words(&block(lane)));
            let block = from_fn(|t| vector($(blocks[$lane][t] as i32),*));
            schedule(block, |[a, b, c, d]| rotate::<1>(xor(xor(a, b), xor(c, d))))
        }

        /// Computes all rounds from `start` on, of which [`early`] has begun two. Interleaves
        /// several streams to hide the latency of the instructions. `word` returns the schedule
        /// word plus the constant of a round for a stream.
        #[target_feature(enable = $set)]
        fn rounds(
            early: [State; STREAMS],
            start: usize,
            word: impl Fn(usize, usize, Vector) -> Vector,
        ) -> States {
            let mut states = early.map(|state| state.map(|word| splat(word as i32)));
            let k = splat(K[0] as i32);
            for (s, [a, b, ..]) in states.iter_mut().enumerate() {
                *b = add(*b, word(s, start, k));
                *a = add(add(*a, word(s, start + 1, k)), rotate::<5>(*b));
            }
            finish(states, start + 2, word)
        }

        /// Computes all rounds of a block that is the same in every lane, given its schedule.
        #[target_feature(enable = $set)]
        fn close(states: States, schedule: &[u32; ROUNDS]) -> States {
            finish(states, 0, |_, t, k| add(splat(schedule[t] as i32), k))
        }

        /// Adds states word by word, as SHA-1 does at the end of a block.
        #[target_feature(enable = $set)]
        fn sums(states: States, others: States) -> States {
            from_fn(|s| from_fn(|i| add(states[s][i], others[s][i])))
        }

        /// Computes the rounds from `start` on.
        #[target_feature(enable = $set)]
        fn finish(
            mut states: States,
            start: usize,
            word: impl Fn(usize, usize, Vector) -> Vector,
        ) -> States {
            // After five rounds each variable is in its place again, so a step has five.
            macro_rules! rounds {
                ($function:ident, $k:expr, $rounds:expr, $step:literal) => {
                    let k = splat($k as i32);
                    for t in $rounds.step_by($step) {
                        for t in (0..$step).map(|i| t + i) {
                            for (s, state) in states.iter_mut().enumerate() {
                                let [a, b, c, d, e] = *state;
                                let sum = add(add(e, word(s, t, k)), ternary::<$function>(b, c, d));
                                *state = [add(sum, rotate::<5>(a)), a, rotate::<30>(b), c, d];
                            }
                        }
                    }
                };
            }
            let aligned = start.next_multiple_of(5);
            rounds!(CHOOSE, K[0], (start..aligned), 1);
            rounds!(CHOOSE, K[0], (aligned..20), 5);
            rounds!(PARITY, K[1], (20..40), 5);
            rounds!(MAJORITY, K[2], (40..60), 5);
            rounds!(PARITY, K[3], (60..80), 5);
            states
        }
    };
}
