//! The search of many threads: they share one line of batches, and the first solution ends it.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use super::kernel::Engine;
use super::layout::QUADS;
use super::search::{BATCH, Search};
use super::{Challenge, Kernel};

/// A window on a running [`solve`], for other threads: how far it is, and a way to stop it.
#[derive(Debug, Default)]
pub struct Watch {
    next_batch: AtomicU64,
    attempts: AtomicU64,
    stopped: AtomicBool,
}

impl Watch {
    /// A fresh window, for one call of [`solve`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Hashes computed so far, a batch of a thread at a time.
    pub fn attempts(&self) -> u64 {
        self.attempts.load(Relaxed)
    }

    /// Makes [`solve`] return within milliseconds, without a solution unless it has one already.
    pub fn cancel(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Tries one batch after the other until one has a solution or somebody stops the search.
    fn search(&self, search: &Search<'_>, engine: &Engine) -> Option<u64> {
        while !self.stopped.load(Relaxed) {
            let found = search.batch(engine, self.next_batch.fetch_add(1, Relaxed));
            self.attempts.fetch_add(BATCH, Relaxed);
            if found.is_some() {
                self.cancel();
                return found;
            }
        }
        None
    }
}

/// Looks for a counter that solves `challenge`, with `kernel` on `threads` threads, this one among
/// them.
///
/// `None` if `watch` was cancelled or this machine lacks the kernel. With one thread the counter is the
/// same whatever the kernel. Threads that cannot be started are done without.
pub fn solve(
    challenge: &Challenge,
    kernel: Kernel,
    threads: NonZero<usize>,
    watch: &Watch,
) -> Option<u64> {
    if watch.stopped.load(Relaxed) || !kernel.is_available() {
        return None;
    }
    let search = Search::new(challenge);
    if let Some(counter) = search.first_quads() {
        watch.attempts.store(counter % QUADS as u64 + 1, Relaxed);
        return Some(counter);
    }
    let engine = search.engine(kernel)?;
    let run = || watch.search(&search, &engine);
    thread::scope(|scope| {
        let helper = |_| {
            let thread = thread::Builder::new().name("solver".into());
            thread.spawn_scoped(scope, run).ok()
        };
        let helpers: Vec<_> = (1..threads.get()).map_while(helper).collect();
        let found = run();
        let joined = helpers.into_iter().map(|helper| helper.join().ok()?);
        joined.fold(found, Option::or)
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

    /// Solves, but gives up after a hundred times the work that any test here takes on average.
    fn solve_in_time(challenge: &Challenge, kernel: Kernel, count: usize) -> Option<u64> {
        let watch = Watch::new();
        thread::scope(|scope| {
            let solver = scope.spawn(|| solve(challenge, kernel, threads(count), &watch));
            while !solver.is_finished() {
                if watch.attempts() > 100 << 20 {
                    watch.cancel();
                }
                thread::yield_now();
            }
            solver.join().unwrap()
        })
    }

    #[test]
    fn one_thread_finds_the_same_counter_with_every_kernel() {
        for bits in 0..=18 {
            let challenge = challenge(bits);
            let solve = |kernel| solve_in_time(&challenge, kernel, 1);
            let expected = solve(Kernel::Portable).unwrap();
            assert!(challenge.is_solved_by(expected));
            for kernel in Kernel::available() {
                assert_eq!(solve(kernel), Some(expected), "{kernel} {bits}");
            }
        }
    }

    #[test]
    fn an_easy_puzzle_takes_no_more_attempts_than_it_needs() {
        let watch = Watch::new();
        assert_eq!(
            solve(&challenge(0), Kernel::best(), threads(4), &watch).map(|n| n % 1000),
            Some(0)
        );
        assert_eq!(watch.attempts(), 1);
        let watch = Watch::new();
        let counter = solve(&challenge(5), Kernel::best(), threads(4), &watch).unwrap();
        assert_eq!(watch.attempts(), counter % 1000 + 1);
    }

    #[test]
    fn several_threads_find_a_counter() {
        let challenge = challenge(20);
        for count in 2..=5 {
            let counter = solve_in_time(&challenge, Kernel::best(), count);
            assert!(challenge.is_solved_by(counter.unwrap()));
        }
    }

    #[test]
    fn a_search_without_hope_ends_when_it_is_cancelled() {
        let challenge = challenge(160);
        let watch = Watch::new();
        thread::scope(|scope| {
            let solver = scope.spawn(|| solve(&challenge, Kernel::best(), threads(2), &watch));
            while watch.attempts() < 4 * BATCH {
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
        assert_eq!(
            solve(&challenge(160), Kernel::best(), threads(3), &watch),
            None
        );
        assert_eq!(watch.attempts(), 0);
    }
}
