//! How many relays may be open or connecting, in total and by source.

use std::collections::BTreeMap;

use super::Source;

/// Counts relays and knows their limits.
#[derive(Debug)]
pub struct RelayLimits {
    /// Relays at once. It bounds descriptors and memory.
    max: usize,
    /// Relays of one source at once, 0 for no limit. It stops one source that pays from taking all.
    max_per_source: u32,
    total: usize,
    by_source: BTreeMap<Source, Held>,
}

/// Whether the client of a relay has paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fare {
    /// It has paid.
    Paid,
    /// It is exempt from the proof of work, and from the limit by source.
    Exempt,
}

/// The relays of one source.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    paid: u32,
    exempt: u32,
}

impl Held {
    fn of(&mut self, fare: Fare) -> &mut u32 {
        match fare {
            Fare::Paid => &mut self.paid,
            Fare::Exempt => &mut self.exempt,
        }
    }

    fn total(self) -> u32 {
        self.paid + self.exempt
    }
}

impl RelayLimits {
    /// Creates limits without relays.
    pub fn new(max: usize, max_per_source: u32) -> Self {
        Self {
            max,
            max_per_source,
            total: 0,
            by_source: BTreeMap::new(),
        }
    }

    /// Returns whether a relay of `source`, which has to pay for it, would exceed a limit.
    pub fn is_full_for(&self, source: Source) -> bool {
        let is_full_by_source =
            self.max_per_source > 0 && self.held(source).paid >= self.max_per_source;
        self.is_full() || is_full_by_source
    }

    /// Returns whether no further relay is possible, for any source.
    pub fn is_full(&self) -> bool {
        self.total >= self.max
    }

    /// Returns the share of all relays that are free, 0 to 1.
    pub fn free_share(&self) -> f64 {
        1.0 - (self.total as f64 / self.max.max(1) as f64).min(1.0)
    }

    /// Returns the number of relays.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Returns the largest number of relays.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Returns the number of relays of `source`, exempt ones included.
    pub fn held_by(&self, source: Source) -> u32 {
        self.held(source).total()
    }

    /// Counts a relay.
    pub fn enter(&mut self, source: Source, fare: Fare) {
        self.total += 1;
        *self.by_source.entry(source).or_default().of(fare) += 1;
    }

    /// Counts the end of a relay.
    pub fn leave(&mut self, source: Source, fare: Fare) {
        self.total = self.total.saturating_sub(1);
        if let Some(held) = self.by_source.get_mut(&source) {
            let count = held.of(fare);
            *count = count.saturating_sub(1);
            if held.total() == 0 {
                self.by_source.remove(&source);
            }
        }
    }

    fn held(&self, source: Source) -> Held {
        self.by_source.get(&source).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(number: u8) -> Source {
        IpAddr::from(Ipv4Addr::new(10, 0, 0, number)).into()
    }

    #[test]
    fn both_limits_hold_and_an_end_makes_room() {
        let mut limits = RelayLimits::new(3, 2);
        limits.enter(source(1), Fare::Paid);
        limits.enter(source(1), Fare::Paid);
        assert!(limits.is_full_for(source(1)) && !limits.is_full_for(source(2)));
        limits.enter(source(2), Fare::Paid);
        assert!(limits.is_full_for(source(3)));
        limits.leave(source(1), Fare::Paid);
        assert!(!limits.is_full_for(source(1)) && !limits.is_full_for(source(3)));
        assert_eq!((limits.total(), limits.held_by(source(1))), (2, 1));
    }

    #[test]
    fn zero_is_no_limit_by_source() {
        let mut limits = RelayLimits::new(100, 0);
        (0..99).for_each(|_| limits.enter(source(1), Fare::Paid));
        assert!(!limits.is_full_for(source(1)));
    }
    #[test]
    fn exempt_relays_count_in_total_and_as_connections_but_not_by_source() {
        let mut limits = RelayLimits::new(3, 1);
        limits.enter(source(1), Fare::Exempt);
        limits.enter(source(1), Fare::Exempt);
        assert!(!limits.is_full_for(source(1)));
        limits.enter(source(1), Fare::Paid);
        assert_eq!((limits.held_by(source(1)), limits.total()), (3, 3));
        limits.leave(source(1), Fare::Exempt);
        assert!(limits.is_full_for(source(1)) && !limits.is_full_for(source(2)));
        limits.leave(source(1), Fare::Paid);
        assert!(!limits.is_full_for(source(1)));
        limits.leave(source(1), Fare::Exempt);
        assert!(limits.by_source.is_empty());
    }
}
