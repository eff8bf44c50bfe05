//! A hashed timing wheel (Varghese and Lauck, 1987, scheme 6). Arming and cancelling take constant
//! time, whatever the number of timers, and an empty wheel needs no wake-up.

use slab::Slab;

/// The number of slots, one for each tick: at 16 ms a tick they span 65 s, so that the usual
/// deadlines fire in the first round of their slot. A power of two.
const SLOTS: usize = 4096;
const WORD: usize = u64::BITS as usize;
/// The index of the list that follows those of the slots: entries that are due but not popped yet.
const READY: u32 = SLOTS as u32;
/// The end of a list.
const NONE: u32 = u32::MAX;

/// Items that wait for their due tick, in slots by tick modulo `SLOTS`. An item whose tick is more
/// than one round of the wheel ahead stays in its slot for as many rounds.
///
/// - An item is never popped before its due tick.
/// - [`TimerWheel::next_tick`] is never later than the due tick of any waiting item.
/// - An item is popped at most once, and never after it was cancelled.
/// - Items are popped in the order of their ticks.
#[derive(Debug)]
pub struct TimerWheel<T> {
    entries: Slab<Entry<T>>,
    /// The first entry of each slot's list, and of the ready list.
    heads: Box<[u32]>,
    /// One bit for each slot: whether its list has entries.
    occupied: [u64; SLOTS / WORD],
    /// The first tick whose items were not popped yet.
    next: u64,
    serial: u32,
}

/// Identifies a timer while it is armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerId {
    key: u32,
    /// Distinguishes this timer from later ones with the same key, so that a late cancel does
    /// nothing.
    serial: u32,
}

impl TimerId {
    /// Identifies no timer.
    pub const NONE: Self = Self {
        key: NONE,
        serial: 0,
    };
}

#[derive(Debug)]
struct Entry<T> {
    due: u64,
    serial: u32,
    list: u32,
    previous: u32,
    next: u32,
    item: T,
}

impl<T> TimerWheel<T> {
    /// Creates an empty wheel at tick 0.
    pub fn new() -> Self {
        Self {
            entries: Slab::new(),
            heads: vec![NONE; SLOTS + 1].into_boxed_slice(),
            occupied: [0; SLOTS / WORD],
            next: 0,
            serial: 0,
        }
    }

    /// Returns the number of waiting items.
    pub fn waiting(&self) -> usize {
        self.entries.len()
    }

    /// Arms a timer for `item` at the tick `due`. A tick that has already passed becomes the next one.
    pub fn arm(&mut self, due: u64, item: T) -> TimerId {
        let due = due.max(self.next);
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        let entry = Entry {
            due,
            serial,
            list: NONE,
            previous: NONE,
            next: NONE,
            item,
        };
        let key = self.entries.insert(entry) as u32;
        self.link(key, slot_of(due));
        TimerId { key, serial }
    }

    /// Returns the due tick of a timer, or `None` if it was popped or cancelled.
    pub fn due(&self, id: TimerId) -> Option<u64> {
        let entry = self.entries.get(id.key as usize)?;
        (entry.serial == id.serial).then_some(entry.due)
    }

    /// Disarms a timer and returns its item, or `None` if it was popped or cancelled.
    pub fn cancel(&mut self, id: TimerId) -> Option<T> {
        self.due(id)?;
        self.take(id.key)
    }

    /// Returns the tick to wake up at, or `None` if no item waits. No item is due before it. It may
    /// lie whole rounds before the due tick of the item in its slot.
    pub fn next_tick(&self) -> Option<u64> {
        if self.heads[READY as usize] != NONE {
            return Some(self.next.saturating_sub(1));
        }
        let start = slot_of(self.next);
        let distance = |slot: u32| u64::from(slot.wrapping_sub(start)) % SLOTS as u64;
        self.occupied_from(start)
            .map(|slot| self.next + distance(slot))
    }

    /// Takes an item that is due at the tick `until` or before, the earliest first.
    pub fn pop(&mut self, until: u64) -> Option<T> {
        loop {
            let ready = self.heads[READY as usize];
            if ready != NONE {
                return self.take(ready);
            }
            match self.next_tick() {
                Some(tick) if tick <= until => {
                    self.next = tick + 1;
                    self.collect(tick);
                }
                _ => {
                    self.next = self.next.max(until.saturating_add(1));
                    return None;
                }
            }
        }
    }

    /// Moves the items that are due at `tick` to the ready list; items of later rounds stay.
    fn collect(&mut self, tick: u64) {
        let mut key = self.heads[slot_of(tick) as usize];
        while let Some(entry) = self.entries.get(key as usize) {
            let (due, next) = (entry.due, entry.next);
            if due <= tick {
                self.unlink(key);
                self.link(key, READY);
            }
            key = next;
        }
    }

    fn take(&mut self, key: u32) -> Option<T> {
        self.unlink(key);
        self.entries
            .try_remove(key as usize)
            .map(|entry| entry.item)
    }

    fn link(&mut self, key: u32, list: u32) {
        let head = std::mem::replace(&mut self.heads[list as usize], key);
        if let Some(second) = self.entries.get_mut(head as usize) {
            second.previous = key;
        }
        if let Some(entry) = self.entries.get_mut(key as usize) {
            (entry.list, entry.previous, entry.next) = (list, NONE, head);
        }
        self.mark(list);
    }

    fn unlink(&mut self, key: u32) {
        let Some(&Entry {
            list,
            previous,
            next,
            ..
        }) = self.entries.get(key as usize)
        else {
            return;
        };
        match self.entries.get_mut(previous as usize) {
            Some(entry) => entry.next = next,
            None => self.heads[list as usize] = next,
        }
        if let Some(entry) = self.entries.get_mut(next as usize) {
            entry.previous = previous;
        }
        self.mark(list);
    }

    /// Sets the bit of a slot if its list has entries, and clears it otherwise.
    fn mark(&mut self, list: u32) {
        let list = list as usize;
        if let Some(word) = self.occupied.get_mut(list / WORD) {
            let bit = 1 << (list % WORD);
            if self.heads[list] == NONE {
                *word &= !bit;
            } else {
                *word |= bit;
            }
        }
    }

    /// Returns the first occupied slot from `start` on, around the wheel.
    fn occupied_from(&self, start: u32) -> Option<u32> {
        let (word, bit) = (start as usize / WORD, start as usize % WORD);
        let words = self.occupied.len();
        // The first word is inspected twice: first its bits from `start` on, last those before.
        (0..=words).find_map(|step| {
            let index = (word + step) % words;
            let mask = match step {
                0 => u64::MAX << bit,
                _ if step == words => !(u64::MAX << bit),
                _ => u64::MAX,
            };
            let bits = self.occupied[index] & mask;
            (bits != 0).then(|| (index * WORD) as u32 + bits.trailing_zeros())
        })
    }
}

impl<T> Default for TimerWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

fn slot_of(tick: u64) -> u32 {
    (tick % SLOTS as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_tick_is_found_from_every_slot_at_every_distance() {
        for start in 0..SLOTS as u64 {
            let mut wheel = TimerWheel::new();
            assert_eq!(wheel.pop(start), None);
            for distance in [1, 2, 63, 64, 65, 2_048, SLOTS as u64 - 1, SLOTS as u64] {
                let id = wheel.arm(start + distance, ());
                assert_eq!(
                    wheel.next_tick(),
                    Some(start + distance),
                    "{start} {distance}"
                );
                assert_eq!(wheel.cancel(id), Some(()));
                assert_eq!(wheel.next_tick(), None);
            }
        }
    }

    #[test]
    fn a_far_tick_waits_for_its_round() {
        let mut wheel = TimerWheel::new();
        let due = 10 * SLOTS as u64 + 7;
        wheel.arm(due, 'a');
        let mut wakes = 0;
        while let Some(tick) = wheel.next_tick().filter(|&tick| tick < due) {
            assert_eq!(wheel.pop(tick), None);
            wakes += 1;
        }
        assert_eq!(wakes, 10);
        assert_eq!(wheel.pop(due), Some('a'));
        assert_eq!(wheel.pop(u64::MAX), None);
    }

    #[test]
    fn a_timer_armed_in_the_past_fires_at_the_next_tick() {
        let mut wheel = TimerWheel::new();
        assert_eq!(wheel.pop(100), None);
        wheel.arm(3, 'a');
        assert_eq!(wheel.next_tick(), Some(101));
        assert_eq!(wheel.pop(100), None);
        assert_eq!(wheel.pop(101), Some('a'));
    }

    #[test]
    fn a_cancel_that_comes_late_or_twice_does_nothing() {
        let mut wheel = TimerWheel::new();
        let first = wheel.arm(1, 'a');
        assert_eq!(wheel.cancel(first), Some('a'));
        let second = wheel.arm(1, 'b');
        assert_eq!(wheel.cancel(first), None);
        assert_eq!(wheel.pop(1), Some('b'));
        assert_eq!(wheel.cancel(second), None);
    }

    #[test]
    fn an_item_that_is_due_but_not_popped_can_be_cancelled() {
        let mut wheel = TimerWheel::new();
        let ids = ['a', 'b', 'c'].map(|item| wheel.arm(5, item));
        let first = wheel.pop(5).unwrap();
        let rest: Vec<_> = ids.into_iter().filter_map(|id| wheel.cancel(id)).collect();
        assert_eq!(rest.len(), 2);
        assert!(!rest.contains(&first));
        assert_eq!(wheel.pop(5), None);
    }
}
