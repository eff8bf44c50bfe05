//! What is counted in a world.

use std::ops::Range;

use powtcp_server::time::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Honest,
    Attack,
}

#[derive(Default)]
pub(crate) struct Tally {
    /// Clients served in each second, by side.
    served: [Vec<u32>; 2],
    /// The level at each tenth of a second.
    pub(crate) levels: Vec<u8>,
    /// How long honest clients waited, with the second in which each began; `None` if it gave up.
    pub(crate) waits: Vec<(u64, Option<f64>)>,
}

impl Tally {
    pub(crate) fn serve(&mut self, side: Side, now: Moment) {
        let second = now.since(Moment::START).as_secs() as usize;
        let served = &mut self.served[side as usize];
        if served.len() <= second {
            served.resize(second + 1, 0);
        }
        served[second] += 1;
    }

    /// Returns how many were served a second, between two seconds.
    pub(crate) fn rate(&self, side: Side, seconds: Range<u64>) -> f64 {
        let length = seconds.end - seconds.start;
        let served = self.served[side as usize].iter();
        let within = served
            .skip(seconds.start as usize)
            .take(length as usize)
            .sum::<u32>();
        f64::from(within) / length as f64
    }

    fn levels_within(&self, seconds: Range<u64>) -> &[u8] {
        &self.levels[seconds.start as usize * 10..seconds.end as usize * 10]
    }

    /// Returns the mean of the level between two seconds.
    pub(crate) fn mean_level(&self, seconds: Range<u64>) -> f64 {
        let levels = self.levels_within(seconds);
        levels.iter().copied().map(f64::from).sum::<f64>() / levels.len() as f64
    }

    pub(crate) fn highest_level(&self, seconds: Range<u64>) -> u8 {
        let levels = self.levels_within(seconds);
        levels.iter().copied().max().unwrap_or_default()
    }

    pub(crate) fn level_at(&self, second: u64) -> u8 {
        self.levels[second as usize * 10]
    }

    /// Returns how many seconds after `second` the level is `least` for good.
    pub(crate) fn calm_after(&self, second: u64, least: u8) -> f64 {
        let last_above = self.levels.iter().rposition(|&level| level > least);
        let calm = last_above.map_or(0.0, |tenth| (tenth + 1) as f64 / 10.0);
        (calm - second as f64).max(0.0)
    }

    /// Returns the share of honest clients that were served, of those that began between two seconds,
    /// and the median of their waits in seconds.
    pub(crate) fn honest(&self, seconds: Range<u64>) -> (f64, f64) {
        let began = self
            .waits
            .iter()
            .filter(|(second, _)| seconds.contains(second));
        let mut waits: Vec<f64> = began.clone().filter_map(|(_, wait)| *wait).collect();
        waits.sort_by(f64::total_cmp);
        let median = waits.get(waits.len() / 2).copied().unwrap_or(f64::NAN);
        (waits.len() as f64 / began.count() as f64, median)
    }
}
