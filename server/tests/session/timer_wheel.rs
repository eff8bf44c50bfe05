//! Guards the four sentences of the timer wheel's doc comment: the wheel against a `BTreeMap`, through
//! random calls of arm, cancel and pop.

use std::collections::BTreeMap;

use powtcp_server::time::{TimerId, TimerWheel};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The ticks of one revolution of the wheel.
const REVOLUTION: u64 = 4096;

/// One call of the wheel. Ticks are relative to the latest one that was popped.
#[derive(Debug, Clone)]
enum Step {
    Arm {
        delay: i64,
    },
    /// Cancels any timer that was ever armed, so that many calls come late or twice.
    Cancel(Index),
    /// Pops one item, even if more are due.
    Pop {
        ahead: u64,
    },
    /// Pops all items that are due.
    Drain {
        ahead: u64,
    },
    /// Does what the event loop does: sleeps until the next tick, then pops all items that are due.
    Sleep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let delay = prop_oneof![
        4 => -10..70_i64,
        2 => -5_000..9_000_i64,
        1 => 0..20 * REVOLUTION as i64,
        1 => (1..6_i64, -1..2_i64).prop_map(|(count, off)| count * REVOLUTION as i64 + off),
    ];
    let ahead = prop_oneof![
        4 => 0..70_u64,
        2 => 0..2 * REVOLUTION,
        1 => 0..8 * REVOLUTION,
    ];
    let step = prop_oneof![
        6 => delay.prop_map(|delay| Step::Arm { delay }),
        2 => any::<Index>().prop_map(Step::Cancel),
        2 => ahead.clone().prop_map(|ahead| Step::Pop { ahead }),
        1 => ahead.prop_map(|ahead| Step::Drain { ahead }),
        3 => Just(Step::Sleep),
    ];
    vec(step, 1..200)
}

/// A wheel and its model. Items are numbered in the order in which they are armed.
#[derive(Default)]
struct Pair {
    wheel: TimerWheel<usize>,
    /// The waiting items, by due tick and number.
    model: BTreeMap<(u64, usize), ()>,
    /// The identifier and the due tick of every timer that was ever armed.
    armed: Vec<(TimerId, u64)>,
    /// The first tick that is not popped yet.
    next: u64,
    /// The latest tick that was popped.
    now: u64,
}

impl Pair {
    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Arm { delay } => self.arm(self.now.saturating_add_signed(delay)),
            Step::Cancel(index) => self.cancel(index)?,
            Step::Pop { ahead } => {
                self.now += ahead;
                self.pop()?;
            }
            Step::Drain { ahead } => {
                self.now += ahead;
                while self.pop()? {}
            }
            Step::Sleep => {
                self.now = self
                    .wheel
                    .next_tick()
                    .map_or(self.now, |tick| tick.max(self.now));
                while self.pop()? {}
            }
        }
        self.check_next_tick()
    }

    /// Arms a timer. A tick that has passed counts as the next one.
    fn arm(&mut self, due: u64) {
        let number = self.armed.len();
        let id = self.wheel.arm(due, number);
        let due = due.max(self.next);
        self.model.insert((due, number), ());
        self.armed.push((id, due));
    }

    fn cancel(&mut self, index: Index) -> Result<(), TestCaseError> {
        if self.armed.is_empty() {
            return Ok(());
        }
        let number = index.index(self.armed.len());
        let (id, due) = self.armed[number];
        let waiting = self.model.remove(&(due, number)).map(|()| number);
        prop_assert_eq!(self.wheel.due(id), waiting.map(|_| due));
        prop_assert_eq!(self.wheel.cancel(id), waiting);
        prop_assert_eq!(self.wheel.due(id), None);
        Ok(())
    }

    /// Pops one item and returns whether there was one. Items of one tick come in any order.
    fn pop(&mut self) -> Result<bool, TestCaseError> {
        let earliest = self.earliest().filter(|&due| due <= self.now);
        let Some(number) = self.wheel.pop(self.now) else {
            prop_assert_eq!(earliest, None, "not popped by tick {}", self.now);
            self.next = self.next.max(self.now + 1);
            return Ok(false);
        };
        let (_, due) = self.armed[number];
        prop_assert!(due <= self.now, "due at {}, popped at {}", due, self.now);
        prop_assert_eq!(earliest, Some(due), "out of order");
        prop_assert_eq!(
            self.model.remove(&(due, number)),
            Some(()),
            "popped twice or cancelled"
        );
        self.next = self.next.max(due + 1);
        Ok(true)
    }

    fn check_next_tick(&self) -> Result<(), TestCaseError> {
        match (self.wheel.next_tick(), self.earliest()) {
            (None, None) => {}
            (Some(tick), Some(due)) => prop_assert!(tick <= due, "wakes at {tick}, due at {due}"),
            (tick, due) => prop_assert!(false, "wakes at {tick:?}, due at {due:?}"),
        }
        Ok(())
    }

    fn earliest(&self) -> Option<u64> {
        self.model.first_key_value().map(|(&(due, _), ())| due)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_wheel_agrees_with_a_sorted_map_after_random_steps(steps in steps()) {
        let mut pair = Pair::default();
        for step in steps {
            pair.take(step)?;
        }
        pair.take(Step::Drain { ahead: 30 * REVOLUTION })?;
        prop_assert!(pair.model.is_empty());
        prop_assert_eq!(pair.wheel.next_tick(), None);
    }
}

#[test]
fn the_identifier_of_no_timer_finds_none() {
    let mut wheel = TimerWheel::new();
    wheel.arm(1, 'a');
    assert_eq!(wheel.due(TimerId::NONE), None);
    assert_eq!(wheel.cancel(TimerId::NONE), None);
    assert_eq!(wheel.pop(1), Some('a'));
}

/// An event loop that sleeps until `next_tick` wakes at most once per revolution without an item.
#[test]
fn a_sleeping_loop_wakes_at_the_due_tick_at_every_distance() {
    for distance in
        (0..3 * REVOLUTION)
            .step_by(13)
            .chain([REVOLUTION - 1, REVOLUTION, REVOLUTION + 1])
    {
        let mut wheel = TimerWheel::new();
        assert_eq!(wheel.pop(1_000), None);
        let due = 1_001 + distance;
        wheel.arm(due, ());
        let mut wakes = 0;
        let popped_at = loop {
            let tick = wheel.next_tick().expect("an item waits");
            wakes += 1;
            if wheel.pop(tick).is_some() {
                break tick;
            }
        };
        assert_eq!(popped_at, due);
        assert!(
            wakes <= 1 + distance / REVOLUTION,
            "{wakes} wakes for {distance} ticks"
        );
    }
}
