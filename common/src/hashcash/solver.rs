//! The search of many threads: they share one line of counters, and the first solution ends it.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use super::Challenge;
use super::search::Search;

/// Counters stay below 2^63, as the protocol says.
const COUNTERS: u64 = 1 << 63;

/// Counters that a thread takes at a time. At a few million hashes a second this is a few
/// milliseconds of work: so long does it take to notice a solution elsewhere or a cancellation.
const CHUNK: u64 = 1 << 14;

/// Counters that are tried before any thread is started: an easy puzzle does not pay for threads.
const HEAD_START: u64 = 1 << 12;

/// A window on a running [`solve`], for other threads: how far it is, and a way to stop it.
#[derive(Debug, Default)]
pub struct Watch {
    next: AtomicU64,
    attempts: AtomicU64,
    stopped: AtomicBool,
}

impl Watch {
    /// A fresh window, for one call of [`solve`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Hashes computed so far, a chunk of a thread at a time.
    pub fn attempts(&self) -> u64 {
        self.attempts.load(Relaxed)
    }

    /// Makes [`solve`] return within milliseconds, without a solution unless it has one already.
    pub fn cancel(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Searches one chunk after the other until one holds a solution or somebody stops the search.
    fn search(&self, mut search: Search, chunk: u64, limit: u64) -> Option<u64> {
        while !self.stopped.load(Relaxed) {
            let range = self.take(chunk, limit)?;
            let found = search.find(range.clone());
            let last = found.unwrap_or(range.end - 1);
            self.attempts.fetch_add(last - range.start + 1, Relaxed);
            if found.is_some() {
                self.cancel();
                return found;
            }
        }
        None
    }

    /// The next counters that nobody has tried.
    fn take(&self, chunk: u64, limit: u64) -> Option<Range<u64>> {
        let start = self.next.fetch_add(chunk, Relaxed);
        (start < limit).then(|| start..limit.min(start + chunk))
    }
}

/// Looks for a counter that solves `challenge`, on `threads` threads, this one among them.
///
/// `None` if `watch` was cancelled. With one thread the counter is the lowest there is; with several
/// it is any. Threads that cannot be started are done without.
pub fn solve(challenge: &Challenge, threads: NonZero<usize>, watch: &Watch) -> Option<u64> {
    let search = Search::new(challenge);
    if let Some(counter) = watch.search(search.clone(), HEAD_START, HEAD_START) {
        return Some(counter);
    }
    watch.next.store(HEAD_START, Relaxed);
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.get())
            .map_while(|_| {
                let search = search.clone();
                let run = move || watch.search(search, CHUNK, COUNTERS);
                thread::Builder::new()
                    .name("solver".into())
                    .spawn_scoped(scope, run)
                    .ok()
            })
            .collect();
        let own = watch.search(search, CHUNK, COUNTERS);
        helpers
            .into_iter()
            .fold(own, |found, helper| found.or(helper.join().ok().flatten()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(bits: u32) -> Challenge {
        let text = format!("1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==");
        Challenge::parse(text.as_bytes()).unwrap()
    }

    fn threads(count: usize) -> NonZero<usize> {
        NonZero::new(count).unwrap()
    }

    #[test]
    fn one_thread_finds_the_lowest_counter_and_counts_its_attempts() {
        for bits in 0..=16 {
            let challenge = challenge(bits);
            let lowest = (0..)
                .find(|&counter| challenge.is_solved_by(counter))
                .unwrap();
            let watch = Watch::new();
            assert_eq!(solve(&challenge, threads(1), &watch), Some(lowest));
            assert_eq!(watch.attempts(), lowest + 1);
        }
    }

    #[test]
    fn several_threads_find_a_counter() {
        let challenge = challenge(18);
        for count in 2..=5 {
            let counter = solve(&challenge, threads(count), &Watch::new()).unwrap();
            assert!(challenge.is_solved_by(counter));
        }
    }

    #[test]
    fn a_search_without_hope_ends_when_it_is_cancelled() {
        let challenge = challenge(160);
        let watch = Watch::new();
        thread::scope(|scope| {
            let solver = scope.spawn(|| solve(&challenge, threads(2), &watch));
            while watch.attempts() < 4 * CHUNK {
                thread::yield_now();
            }
            watch.cancel();
            assert_eq!(solver.join().unwrap(), None);
        });
    }

    #[test]
    fn a_search_cancelled_before_it_begins_computes_nothing() {
        let watch = Watch::new();
        watch.cancel();
        assert_eq!(solve(&challenge(160), threads(3), &watch), None);
        assert_eq!(watch.attempts(), 0);
    }
}
