//! Turns at solving, for payments that share the processors of one machine.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Gives one turn at a time. All clones give the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Shared>);

/// The permission to solve. The next payment gets it when this one is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_taken: Mutex<bool>,
    freed: Condvar,
}

impl Turns {
    /// Waits for the turn. Returns `None` if it is still taken after `at_most`.
    pub(crate) fn wait(&self, at_most: Duration) -> Option<Turn> {
        let is_taken = |taken: &mut bool| *taken;
        let waited = self
            .0
            .freed
            .wait_timeout_while(self.0.lock(), at_most, is_taken);
        let (mut taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *taken {
            return None;
        }
        *taken = true;
        Some(Turn(Arc::clone(&self.0)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.freed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn there_is_one_turn_at_a_time() {
        let turns = Turns::default();
        let turn = turns.wait(Duration::ZERO);
        assert!(turn.is_some());
        assert!(turns.wait(Duration::ZERO).is_none());
        drop(turn);
        assert!(turns.wait(Duration::ZERO).is_some());
        assert!(turns.wait(Duration::ZERO).is_some());
    }

    #[test]
    fn the_end_of_a_turn_wakes_the_next() {
        let turns = Turns::default();
        let turn = turns.wait(Duration::ZERO);
        let next = thread::spawn(move || turns.wait(Duration::from_secs(3_600)).is_some());
        drop(turn);
        assert!(next.join().unwrap());
    }
}
