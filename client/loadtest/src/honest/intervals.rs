//! The share of the time in which no client was served.

use std::time::Duration;

/// The length of an interval: long enough for several clients at the default rate, so that an interval
/// without service is not chance.
const INTERVAL: Duration = Duration::from_millis(100);

/// For each interval since the start, whether a client was due and whether a client was served.
#[derive(Debug, Default)]
pub(crate) struct Intervals {
    due: Vec<bool>,
    served: Vec<bool>,
}

impl Intervals {
    /// Notes that a client is due at `offset` from the start.
    pub(crate) fn add_due(&mut self, offset: Duration) {
        mark(&mut self.due, offset);
    }

    /// Notes that a client is served at `offset` from the start.
    pub(crate) fn add_served(&mut self, offset: Duration) {
        mark(&mut self.served, offset);
    }

    /// Returns the share of the intervals without a served client among those in which a client was due;
    /// `None` if there are none of these.
    pub(crate) fn unserved(&self) -> Option<f64> {
        let due = self.due.iter().enumerate().filter(|(_, due)| **due);
        let served = |index| self.served.get(index).copied().unwrap_or_default();
        let (count, unserved) = due.fold((0, 0), |(count, unserved), (index, _)| {
            (count + 1, unserved + i32::from(!served(index)))
        });
        (count > 0).then(|| f64::from(unserved) / f64::from(count))
    }
}

fn mark(intervals: &mut Vec<bool>, offset: Duration) {
    let index = (offset.as_millis() / INTERVAL.as_millis()) as usize;
    if intervals.len() <= index {
        intervals.resize(index + 1, false);
    }
    intervals[index] = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_without_service_counts_only_if_a_client_was_due() {
        let mut intervals = Intervals::default();
        assert_eq!(intervals.unserved(), None);
        for due in [0, 10, 100, 250, 399, 900] {
            intervals.add_due(Duration::from_millis(due));
        }
        assert_eq!(intervals.unserved(), Some(1.0));
        for served in [99, 450, 399, 950, 5_000] {
            intervals.add_served(Duration::from_millis(served));
        }
        assert_eq!(intervals.unserved(), Some(0.4));
    }
}
