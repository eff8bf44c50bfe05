//! Who was accepted and waits to be admitted: a queue in which a crowd from one source does not stand
//! before those who come alone.

use std::collections::{BTreeMap, VecDeque};

use crate::limits::Source;

/// A queue of `T`, in two lanes: whoever is the only one of its source goes before all others.
#[derive(Debug)]
pub struct Lobby<T> {
    alone: VecDeque<(Source, T)>,
    others: VecDeque<(Source, T)>,
    /// How many of each source wait, in either lane.
    waiting: BTreeMap<Source, u32>,
}

impl<T> Lobby<T> {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self {
            alone: VecDeque::new(),
            others: VecDeque::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.alone.len() + self.others.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lets somebody from `source` wait.
    pub fn push(&mut self, source: Source, item: T) {
        let waiting = self.waiting.entry(source).or_default();
        *waiting += 1;
        let lane = match *waiting {
            1 => &mut self.alone,
            _ => &mut self.others,
        };
        lane.push_back((source, item));
    }

    /// Whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let next = self.alone.pop_front();
        let (source, item) = next.or_else(|| self.others.pop_front())?;
        if let Some(waiting) = self.waiting.get_mut(&source) {
            *waiting -= 1;
            if *waiting == 0 {
                self.waiting.remove(&source);
            }
        }
        Some(item)
    }

    /// Drops everybody.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

impl<T> Default for Lobby<T> {
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

    fn drained(lobby: &mut Lobby<u32>) -> Vec<u32> {
        std::iter::from_fn(|| lobby.pop()).collect()
    }

    #[test]
    fn one_source_is_served_in_its_order() {
        let mut lobby = Lobby::new();
        (0..5).for_each(|item| lobby.push(source(1), item));
        assert_eq!(lobby.len(), 5);
        assert_eq!(drained(&mut lobby), [0, 1, 2, 3, 4]);
        assert!(lobby.is_empty());
        assert_eq!(lobby.len(), 0);
    }

    #[test]
    fn who_comes_alone_goes_before_a_crowd() {
        let mut lobby = Lobby::new();
        (0..100).for_each(|item| lobby.push(source(1), item));
        lobby.push(source(2), 200);
        lobby.push(source(3), 300);
        lobby.push(source(2), 201);
        assert_eq!(drained(&mut lobby)[..5], [0, 200, 300, 1, 2]);
    }

    #[test]
    fn a_crowd_gets_no_second_first_place_while_it_waits() {
        let mut lobby = Lobby::new();
        (0..3).for_each(|item| lobby.push(source(1), item));
        assert_eq!(lobby.pop(), Some(0));
        lobby.push(source(1), 3);
        lobby.push(source(2), 200);
        assert_eq!(drained(&mut lobby), [200, 1, 2, 3]);
        lobby.push(source(1), 4);
        lobby.push(source(2), 201);
        assert_eq!(drained(&mut lobby), [4, 201]);
    }
}
