//! The queue of connections that were accepted but not admitted to the table yet. Many connections from
//! one source do not delay a connection that is the only one of its source.

use std::collections::{BTreeMap, VecDeque};

use super::Source;

/// Newcomers of the first lane for each one of the second, if both wait: without a share of its own the
/// second would wait for as long as a flood from ever new sources lasts.
const SHARE: u32 = 8;

/// A queue of newcomers with two lanes: the first newcomer of each source is in the first lane, all others
/// are in the second.
#[derive(Debug)]
pub struct NewcomerQueue<T> {
    alone: VecDeque<(Source, T)>,
    others: VecDeque<(Source, T)>,
    /// The number of each source's newcomers, in both lanes.
    waiting: BTreeMap<Source, u32>,
    /// Newcomers taken from the first lane since the last one from the second.
    streak: u32,
}

impl<T> NewcomerQueue<T> {
    /// Creates an empty queue.
    pub fn new() -> Self {
        Self {
            alone: VecDeque::new(),
            others: VecDeque::new(),
            waiting: BTreeMap::new(),
            streak: 0,
        }
    }

    /// Returns the number of newcomers.
    pub fn len(&self) -> usize {
        self.alone.len() + self.others.len()
    }

    /// Returns whether there are no newcomers.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a newcomer from `source`. Each one of [`Source::UNNAMED`] counts as alone, because its client is
    /// not known yet.
    pub fn push(&mut self, source: Source, item: T) {
        let waiting = self.waiting.entry(source).or_default();
        *waiting += 1;
        let lane = if *waiting == 1 || source == Source::UNNAMED {
            &mut self.alone
        } else {
            &mut self.others
        };
        lane.push_back((source, item));
    }

    /// Takes the next newcomer.
    pub fn pop(&mut self) -> Option<T> {
        let others_are_next = self.streak >= SHARE && !self.others.is_empty();
        let (source, item) = if others_are_next || self.alone.is_empty() {
            self.streak = 0;
            self.others.pop_front()?
        } else {
            self.streak += 1;
            self.alone.pop_front()?
        };
        if let Some(waiting) = self.waiting.get_mut(&source) {
            *waiting -= 1;
            if *waiting == 0 {
                self.waiting.remove(&source);
            }
        }
        Some(item)
    }
}

impl<T> Default for NewcomerQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(number: u8) -> Source {
        IpAddr::from(Ipv4Addr::new(10, 0, 0, number)).into()
    }

    fn drained(queue: &mut NewcomerQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn one_source_is_served_in_its_order() {
        let mut queue = NewcomerQueue::new();
        (0..5).for_each(|item| queue.push(source(1), item));
        assert_eq!(queue.len(), 5);
        assert_eq!(drained(&mut queue), [0, 1, 2, 3, 4]);
        assert!(queue.is_empty());
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_newcomer_that_is_alone_goes_before_a_crowd() {
        let mut queue = NewcomerQueue::new();
        (0..100).for_each(|item| queue.push(source(1), item));
        queue.push(source(2), 200);
        queue.push(source(3), 300);
        queue.push(source(2), 201);
        assert_eq!(drained(&mut queue)[..5], [0, 200, 300, 1, 2]);
    }

    #[test]
    fn a_crowd_gets_no_second_first_place_while_it_waits() {
        let mut queue = NewcomerQueue::new();
        (0..3).for_each(|item| queue.push(source(1), item));
        assert_eq!(queue.pop(), Some(0));
        queue.push(source(1), 3);
        queue.push(source(2), 200);
        assert_eq!(drained(&mut queue), [200, 1, 2, 3]);
        queue.push(source(1), 4);
        queue.push(source(2), 201);
        assert_eq!(drained(&mut queue), [4, 201]);
    }

    #[test]
    fn clients_behind_a_balancer_are_no_crowd() {
        let mut queue = NewcomerQueue::new();
        (0..5).for_each(|item| queue.push(source(1), item));
        (10..13).for_each(|item| queue.push(Source::UNNAMED, item));
        assert_eq!(drained(&mut queue), [0, 10, 11, 12, 1, 2, 3, 4]);
    }

    #[test]
    fn the_second_lane_has_a_share_however_many_sources_there_are() {
        let mut queue = NewcomerQueue::new();
        queue.push(source(1), 0);
        queue.push(source(1), 1);
        (2..100).for_each(|number| queue.push(source(number), u32::from(number)));
        let order = drained(&mut queue);
        assert_eq!(order[0], 0);
        assert!(order[..10].contains(&1), "{order:?}");
    }
}
