//! The number of bytes of each kind of log line that are written in an interval.

use std::time::Duration;

use super::Kind;
use crate::time::Moment;

/// The interval in which bytes are counted, and at whose end one line reports the suppressed ones.
const INTERVAL: Duration = Duration::from_secs(10);

/// Bytes of one kind in an interval, about 60 lines about puzzles. All kinds together write at most
/// 1 MB a minute, so that a flood of connections does not fill a disk.
const BYTES_PER_INTERVAL: usize = 10_000;

/// What was written and suppressed in the present interval.
#[derive(Debug)]
pub(super) struct Quotas {
    end: Moment,
    uses: [Use; Kind::COUNT],
}

/// The use of one kind's quota.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    bytes: usize,
    suppressed: u64,
    /// Lines suppressed before this interval.
    suppressed_before: u64,
}

impl Quotas {
    pub(super) fn new() -> Self {
        Self {
            end: Moment::START,
            uses: [Use::default(); Kind::COUNT],
        }
    }

    /// Returns whether another line of this kind may be written, and counts it as suppressed if not.
    /// An interval with suppressed lines lasts until they were reported.
    pub(super) fn admits(&mut self, kind: Kind, now: Moment) -> bool {
        if now >= self.end && self.deadline().is_none() {
            self.start_interval(now);
        }
        let quota = &mut self.uses[kind.index()];
        let admitted = quota.bytes < BYTES_PER_INTERVAL;
        quota.suppressed += u64::from(!admitted);
        admitted
    }

    /// Counts the bytes of a line that was written.
    pub(super) fn charge(&mut self, kind: Kind, bytes: usize) {
        self.uses[kind.index()].bytes += bytes;
    }

    /// Returns when to report the suppressed lines, or `None` if there are none.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let any = self.uses.iter().any(|quota| quota.suppressed > 0);
        any.then_some(self.end)
    }

    /// Returns the kinds with suppressed lines in this interval, and their number.
    pub(super) fn suppressed(&self) -> impl Iterator<Item = (Kind, u64)> {
        let counts = self.uses.iter().map(|quota| quota.suppressed);
        Kind::all().zip(counts).filter(|&(_, count)| count > 0)
    }

    /// Returns all kinds, and the number of lines suppressed since the start.
    pub(super) fn suppressed_total(&self) -> impl Iterator<Item = (Kind, u64)> {
        let total = |quota: &Use| quota.suppressed_before + quota.suppressed;
        Kind::all().zip(self.uses.iter().map(total))
    }

    /// Starts a new interval.
    pub(super) fn start_interval(&mut self, now: Moment) {
        self.end = now.after(INTERVAL);
        for quota in &mut self.uses {
            *quota = Use {
                suppressed_before: quota.suppressed_before + quota.suppressed,
                ..Use::default()
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

    /// Tries to write `count` lines; returns the number of admitted ones.
    fn write(quotas: &mut Quotas, kind: Kind, count: usize, now: Moment) -> usize {
        let admitted = (0..count).filter(|_| {
            let admitted = quotas.admits(kind, now);
            if admitted {
                quotas.charge(kind, LINE);
            }
            admitted
        });
        admitted.count()
    }

    #[test]
    fn a_flood_is_cut_to_its_quota_and_reported() {
        let mut quotas = Quotas::new();
        assert_eq!(write(&mut quotas, Kind::Puzzle, 1_000, at(5_000)), 50);
        assert_eq!(quotas.deadline(), Some(at(15_000)));
        assert_eq!(write(&mut quotas, Kind::Puzzle, 1, at(15_500)), 0);
        assert_eq!(
            quotas.suppressed().collect::<Vec<_>>(),
            [(Kind::Puzzle, 951)]
        );
        quotas.start_interval(at(15_500));
        assert_eq!(quotas.deadline(), None);
        assert_eq!(write(&mut quotas, Kind::Puzzle, 60, at(15_500)), 50);
        let total: u64 = quotas.suppressed_total().map(|(_, count)| count).sum();
        assert_eq!(total, 961);
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let mut quotas = Quotas::new();
        let flood = Kind::Refused(Refusal::ServerBusy);
        write(&mut quotas, flood, 1_000, at(0));
        for kind in Kind::all().filter(|&kind| kind != flood) {
            assert_eq!(write(&mut quotas, kind, 1, at(1)), 1, "{kind:?}");
        }
    }

    #[test]
    fn quiet_traffic_is_never_suppressed() {
        let mut quotas = Quotas::new();
        for second in 0..100 {
            assert_eq!(write(&mut quotas, Kind::Resource, 5, at(1_000 * second)), 5);
        }
        assert_eq!(quotas.deadline(), None);
    }
}
