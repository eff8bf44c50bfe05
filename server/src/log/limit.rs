//! How much may be written of what peers cause: so many bytes of each kind in an interval.

use std::time::Duration;

use super::Kind;
use crate::moment::Moment;

/// The time in which lines are counted, and after which those left out are summed up.
const INTERVAL: Duration = Duration::from_secs(10);

/// Bytes of one kind in an interval, some 60 lines about puzzles. All kinds at once come to 0.9 MB a
/// minute, with the line of each that goes beyond: no flood of connections fills a disk.
const BYTES_PER_INTERVAL: usize = 10_000;

/// What was written in this interval, and what was not.
#[derive(Debug)]
pub(super) struct Limit {
    end: Moment,
    spent: [Spent; Kind::COUNT],
}

#[derive(Debug, Clone, Copy)]
struct Spent {
    bytes: usize,
    left_out: u64,
    /// In the intervals before this one.
    left_out_before: u64,
}

impl Limit {
    pub(super) const fn new() -> Self {
        let nothing = Spent {
            bytes: 0,
            left_out: 0,
            left_out_before: 0,
        };
        Self {
            end: Moment::new(Duration::ZERO),
            spent: [nothing; Kind::COUNT],
        }
    }

    /// Whether one more line of this kind may be written. An interval in which lines were left out
    /// lasts until they were summed up.
    pub(super) fn admits(&mut self, kind: Kind, now: Moment) -> bool {
        if now >= self.end && self.deadline().is_none() {
            self.start_interval(now);
        }
        let spent = &mut self.spent[kind.index()];
        let admitted = spent.bytes < BYTES_PER_INTERVAL;
        spent.left_out += u64::from(!admitted);
        admitted
    }

    /// A line of this kind was written.
    pub(super) const fn charge(&mut self, kind: Kind, bytes: usize) {
        self.spent[kind.index()].bytes += bytes;
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        let any = self.spent.iter().any(|spent| spent.left_out > 0);
        any.then_some(self.end)
    }

    /// The kinds of which lines were left out in this interval, and how many.
    pub(super) fn left_out(&self) -> impl Iterator<Item = (Kind, u64)> {
        let counts = self.spent.iter().map(|spent| spent.left_out);
        Kind::all().zip(counts).filter(|&(_, count)| count > 0)
    }

    /// All kinds, and how many lines were left out since the start.
    pub(super) fn left_out_in_all(&self) -> impl Iterator<Item = (Kind, u64)> {
        let total = |spent: &Spent| spent.left_out_before + spent.left_out;
        Kind::all().zip(self.spent.iter().map(total))
    }

    /// Starts to count anew.
    pub(super) fn start_interval(&mut self, now: Moment) {
        self.end = now.after(INTERVAL);
        for spent in &mut self.spent {
            *spent = Spent {
                bytes: 0,
                left_out: 0,
                left_out_before: spent.left_out_before + spent.left_out,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use powtcp_common::refusal::Refusal;

    use super::*;

    const LINE: usize = 200;

    fn at(milliseconds: u64) -> Moment {
        Moment::new(Duration::from_millis(milliseconds))
    }

    /// Tries to write `count` lines; returns how many were admitted.
    fn write(limit: &mut Limit, kind: Kind, count: usize, now: Moment) -> usize {
        let admitted = (0..count).filter(|_| {
            let admitted = limit.admits(kind, now);
            if admitted {
                limit.charge(kind, LINE);
            }
            admitted
        });
        admitted.count()
    }

    #[test]
    fn a_flood_is_cut_to_the_limit_and_summed_up() {
        let mut limit = Limit::new();
        assert_eq!(write(&mut limit, Kind::Puzzle, 1_000, at(5_000)), 50);
        assert_eq!(limit.deadline(), Some(at(15_000)));
        assert_eq!(write(&mut limit, Kind::Puzzle, 1, at(15_500)), 0);
        assert_eq!(limit.left_out().collect::<Vec<_>>(), [(Kind::Puzzle, 951)]);
        limit.start_interval(at(15_500));
        assert_eq!(limit.deadline(), None);
        assert_eq!(write(&mut limit, Kind::Puzzle, 60, at(15_500)), 50);
        let in_all: u64 = limit.left_out_in_all().map(|(_, count)| count).sum();
        assert_eq!(in_all, 961);
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let mut limit = Limit::new();
        let flood = Kind::Refused(Refusal::ServerBusy);
        write(&mut limit, flood, 1_000, at(0));
        for kind in Kind::all().filter(|&kind| kind != flood) {
            assert_eq!(write(&mut limit, kind, 1, at(1)), 1, "{kind:?}");
        }
    }

    #[test]
    fn quiet_traffic_is_never_cut() {
        let mut limit = Limit::new();
        for second in 0..100 {
            assert_eq!(write(&mut limit, Kind::Resource, 5, at(1_000 * second)), 5);
        }
        assert_eq!(limit.deadline(), None);
    }
}
