//! Sets of numbers as sorted ranges, with which networks are merged and searched.

/// A set of numbers: ranges by first and last number, in ascending order and with gaps between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Box<[(u128, u128)]>);

impl Ranges {
    /// Merges ranges that come in any order, and may overlap or touch.
    pub(super) fn merge(mut ranges: Vec<(u128, u128)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged.into())
    }

    /// Returns whether all numbers from `first` to `last` are in the set.
    pub(super) fn covers(&self, first: u128, last: u128) -> bool {
        let after = self.0.partition_point(|&(start, _)| start <= first);
        let range = after.checked_sub(1).and_then(|index| self.0.get(index));
        range.is_some_and(|&(_, end)| last <= end)
    }

    /// Returns the fewest blocks that make up the set, as the first number and the exponent of the size. A
    /// block has 2^n numbers, and begins at a multiple of that.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (u128, u32)> {
        self.0.iter().flat_map(|&(first, last)| {
            let mut next = Some(first);
            std::iter::from_fn(move || {
                let start = next.filter(|&start| start <= last)?;
                let fitting = (last - start)
                    .checked_add(1)
                    .map_or(u128::BITS, u128::ilog2);
                let exponent = fitting.min(start.trailing_zeros());
                next = 1_u128
                    .checked_shl(exponent)
                    .and_then(|size| start.checked_add(size));
                Some((start, exponent))
            })
        })
    }
}
