//! A count-min sketch (Cormode and Muthukrishnan, 2005) with conservative update (Estan and Varghese, 2002)
//! whose counts decay. Its size is fixed, and an estimate is never below the true count: a source cannot
//! escape its count by the number of sources it has.
//!
//! Counts decay forward (Cormode, Shkapenyuk, Srivastava and Xu, 2009): instead of shrinking all counts as
//! time goes on, an item that is added later weighs more. A cell holds the logarithm of its weight, so that
//! weights may grow for ever, and no rescaling is due at any time.

use std::array;

use sha1::{Digest, Sha1};

use super::PRICING_KEY_LEN;
use crate::admission::source::Network;

/// Independent rows. An estimate is too high only if other items share its cells in all of them.
const ROWS: usize = 4;

/// What each update adds to the logarithm, to make up for what `exp2` and `log2` round down.
const ROUNDING: f64 = 1e-12;

/// A cell to which nothing was added: the logarithm of zero.
const EMPTY: f64 = f64::NEG_INFINITY;

/// Counts networks, in fixed memory.
#[derive(Debug)]
pub(super) struct Sketch {
    /// Stops a client from finding networks that share cells with another one's.
    key: [u8; PRICING_KEY_LEN],
    /// All rows, one after the other: log2 of the count, plus the half-lives passed when it was that.
    cells: Box<[f64]>,
}

impl Sketch {
    /// Creates an empty sketch with `width` cells a row, which must be a power of two up to 2^32.
    pub(super) fn new(width: usize, key: [u8; PRICING_KEY_LEN]) -> Self {
        debug_assert!(width.is_power_of_two());
        Self {
            key,
            cells: vec![EMPTY; ROWS * width].into(),
        }
    }

    /// Returns the number of cells in a row.
    pub(super) fn width(&self) -> usize {
        self.cells.len() / ROWS
    }

    /// Counts `network`. `half_lives` is the time that has passed, which must not go back.
    pub(super) fn add(&mut self, network: Network, half_lives: f64) {
        let cells = self.cells_of(network);
        let count = self.least(cells, half_lives) + 1.0;
        let cell = (half_lives + (count.log2() + ROUNDING)).next_up();
        for index in cells {
            self.cells[index] = self.cells[index].max(cell);
        }
    }

    /// Returns how often `network` was counted, where each time weighs half for each half-life since.
    pub(super) fn estimate(&self, network: Network, half_lives: f64) -> f64 {
        self.least(self.cells_of(network), half_lives)
    }

    fn least(&self, cells: [usize; ROWS], half_lives: f64) -> f64 {
        let least = cells.map(|index| self.cells[index]).into_iter();
        (least.fold(f64::INFINITY, f64::min) - half_lives).exp2()
    }

    /// Returns the indices of a network's cells, one in each row.
    fn cells_of(&self, network: Network) -> [usize; ROWS] {
        let digest: [u8; 20] = Sha1::new()
            .chain_update(self.key)
            .chain_update([network.len])
            .chain_update(network.prefix.to_be_bytes())
            .finalize()
            .into();
        let width = self.width();
        array::from_fn(|row| {
            let word: [u8; 4] = array::from_fn(|byte| digest[4 * row + byte]);
            row * width + (u32::from_be_bytes(word) as usize & (width - 1))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; PRICING_KEY_LEN] = [7; PRICING_KEY_LEN];

    fn network(prefix: u64) -> Network {
        Network { prefix, len: 64 }
    }

    #[test]
    fn a_count_halves_with_each_half_life() {
        let mut sketch = Sketch::new(1 << 14, KEY);
        (0..1_000).for_each(|_| sketch.add(network(1), 0.0));
        for half_lives in 0..1_000 {
            let half_lives = f64::from(half_lives);
            let true_count = 1_000.0 / half_lives.exp2();
            let estimate = sketch.estimate(network(1), half_lives);
            assert!(estimate >= true_count && estimate <= true_count * 1.000_001);
        }
        assert_eq!(sketch.estimate(network(1), 1e9), 0.0);
    }

    #[test]
    fn a_count_is_as_exact_after_ten_years() {
        const TEN_YEARS: f64 = 10.0 * 365.0 * 24.0 * 60.0;
        let mut sketch = Sketch::new(1 << 14, KEY);
        (0..10_000).for_each(|_| sketch.add(network(1), TEN_YEARS));
        let estimate = sketch.estimate(network(1), TEN_YEARS);
        assert!((10_000.0..10_001.0).contains(&estimate), "{estimate}");
    }

    #[test]
    fn networks_of_different_length_are_counted_apart() {
        let mut sketch = Sketch::new(1 << 14, KEY);
        let [source, site] = [64, 48].map(|len| Network {
            prefix: 5 << 16,
            len,
        });
        sketch.add(source, 0.0);
        assert_eq!(sketch.estimate(site, 0.0), 0.0);
        assert!(sketch.estimate(source, 0.0) >= 1.0);
    }

    #[test]
    fn cells_depend_on_the_key_and_differ_between_rows() {
        let cells = |key, prefix| Sketch::new(1 << 14, key).cells_of(network(prefix));
        assert_ne!(cells(KEY, 1), cells([8; PRICING_KEY_LEN], 1));
        let mut rows: Vec<usize> = cells(KEY, 1).map(|cell| cell % (1 << 14)).into();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), ROWS);
        for prefix in 0..1_000 {
            for (row, cell) in cells(KEY, prefix).into_iter().enumerate() {
                assert_eq!(cell >> 14, row);
            }
        }
    }

    /// A million sources once each are 61 in each cell, less than the allowance of one.
    #[test]
    fn a_million_sources_take_no_memory_and_hide_no_count() {
        let mut sketch = Sketch::new(1 << 14, KEY);
        let busy = network(u64::MAX);
        (0..300).for_each(|_| sketch.add(busy, 0.0));
        for prefix in 0..1_000_000 {
            sketch.add(network(prefix), 0.0);
        }
        assert_eq!(sketch.cells.len(), ROWS << 14);
        assert!(sketch.estimate(busy, 0.0) >= 300.0);
        let strangers = (2_000_000..2_000_100).map(|prefix| sketch.estimate(network(prefix), 0.0));
        let mean = strangers.sum::<f64>() / 100.0;
        // An update that raises all four cells leaves 53.
        assert!(mean < 35.0, "{mean}");
    }

    proptest! {
        /// A sketch so narrow that most items share cells.
        #[test]
        fn an_estimate_is_never_below_the_true_count(
            steps in vec((0..40_u64, 0.0..3.0_f64, 1..200_u32), 1..60),
            start in 0.0..1e7_f64,
        ) {
            let mut sketch = Sketch::new(8, KEY);
            let mut true_counts = HashMap::<u64, f64>::new();
            let mut now = start;
            for (prefix, pause, times) in steps {
                let next = now + pause;
                let decay = (now - next).exp2();
                true_counts.values_mut().for_each(|count| *count *= decay);
                now = next;
                for _ in 0..times {
                    sketch.add(network(prefix), now);
                    *true_counts.entry(prefix).or_default() += 1.0;
                }
                for (&prefix, &count) in &true_counts {
                    let estimate = sketch.estimate(network(prefix), now);
                    // The model rounds as well.
                    prop_assert!(estimate >= count * (1.0 - 1e-14), "{estimate} < {count}");
                }
            }
        }

        #[test]
        fn a_count_without_collisions_is_exact(
            steps in vec((0.0..3.0_f64, 1..50_u32), 1..60),
        ) {
            let mut sketch = Sketch::new(1 << 14, KEY);
            let (mut count, mut now) = (0.0, 0.0);
            for (pause, times) in steps {
                now += pause;
                count *= (-pause).exp2();
                for _ in 0..times {
                    sketch.add(network(1), now);
                    count += 1.0;
                }
                let estimate = sketch.estimate(network(1), now);
                prop_assert!((estimate / count - 1.0).abs() < 1e-8, "{estimate} is not {count}");
            }
        }
    }
}
