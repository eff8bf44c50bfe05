//! A bound on how many threads do the same thing at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A number of places, which threads take and free.
#[derive(Debug)]
pub struct Places(Arc<Shared>);

/// A place that is taken. It is free again when it is dropped.
#[derive(Debug)]
pub struct Place(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Places {
    /// Creates `most` free places.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            free: Mutex::new(most),
            freed: Condvar::new(),
        }))
    }

    /// Takes a place, and waits until there is one.
    pub fn wait(&self) -> Place {
        let is_full = |free: &mut usize| *free == 0;
        let free = self.0.freed.wait_while(self.0.lock(), is_full);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(Arc::clone(&self.0))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.freed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    #[test]
    fn no_more_threads_than_places_have_one_and_all_get_one_in_the_end() {
        const MOST: usize = 3;
        let places = Places::new(MOST);
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let place = places.wait();
                        assert!(taken.fetch_add(1, SeqCst) < MOST);
                        thread::yield_now();
                        taken.fetch_sub(1, SeqCst);
                        drop(place);
                    }
                });
            }
        });
        assert_eq!(*places.0.lock(), MOST);
    }
}
