//! The search for a counter on several threads. They take batches of counters from one sequence,
//! and the first solution stops them all.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use super::kernel::portable::hits;
use super::layout::{HEADS, Layout, QUADS};
use super::{Challenge, Kernel};

/// The number of counters in a batch.
const BATCH: u64 = (HEADS * QUADS) as u64;

/// The view of other threads on a running [`solve`]: its progress, and a way to cancel it.
#[derive(Debug, Default)]
pub struct Watch {
    next_batch: AtomicU64,
    attempts: AtomicU64,
    stopped: AtomicBool,
}

impl Watch {
    /// Creates a watch for one call of [`solve`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many hashes have been computed. Each thread counts whole batches.
    pub fn attempts(&self) -> u64 {
        self.attempts.load(Relaxed)
    }

    /// Makes [`solve`] return within milliseconds; with a solution only if it has found one
    /// already.
    pub fn cancel(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Tries batches until one has a solution, or until the search is stopped.
    fn search(&self, solution_in: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        while !self.stopped.load(Relaxed) {
            let found = solution_in(self.next_batch.fetch_add(1, Relaxed));
            self.attempts.fetch_add(BATCH, Relaxed);
            if found.is_some() {
                self.cancel();
                return found;
            }
        }
        None
    }
}

/// Searches for a counter that solves `challenge`, with `kernel`, on `threads` threads including
/// the calling one, but on no more than this process may run at the same time.
///
/// Returns `None` if `watch` was cancelled or if this machine does not support the kernel. With one
/// thread, all kernels find the same counter. If the system refuses to start a thread, the search
/// continues with fewer threads.
pub fn solve(
    challenge: &Challenge,
    kernel: Kernel,
    threads: NonZero<usize>,
    watch: &Watch,
) -> Option<u64> {
    let start = kernel.starter()?;
    if watch.stopped.load(Relaxed) {
        return None;
    }
    let layout = Layout::new(challenge);
    // Kernels check at most the first 32 bits of a hash; the oracle checks all.
    let is_solution = |counter: &u64| challenge.is_solved_by(*counter);
    // The first head solves most easy puzzles, before the kernel computes its tables.
    if let Some(counter) = hits(&layout, 0, 0).find(is_solution) {
        watch.attempts.store(counter % QUADS as u64 + 1, Relaxed);
        return Some(counter);
    }
    let engine = start(&layout);
    let second = Layout::second(challenge);
    let second_engine = LazyLock::new(|| second.as_ref().map(start));
    let solution_in = |batch: u64| {
        let beyond = batch.checked_sub(layout.batches());
        let hits = beyond.and_then(|beyond| Some(second_engine.as_ref()?(beyond)));
        let mut hits = hits.unwrap_or_else(|| engine(batch)).into_iter();
        hits.find(is_solution)
    };
    let run = || watch.search(solution_in);
    thread::scope(|scope| {
        let mut others = Vec::new();
        for _ in 1..runnable(threads).get() {
            let builder = thread::Builder::new().name("solver".into());
            let Ok(thread) = builder.spawn_scoped(scope, run) else {
                break;
            };
            others.push(thread);
        }
        let mut found = run();
        for thread in others {
            // A kernel that panics is a fault of ours, and must not look like a search without a result.
            let other = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            found = found.or(other);
        }
        found
    })
}

/// Returns `threads`, or fewer if no more can run: others would only delay the end of the search. To ask the
/// system takes longer than to solve an easy puzzle, so it is not asked for a single thread.
fn runnable(threads: NonZero<usize>) -> NonZero<usize> {
    if threads.get() == 1 {
        return threads;
    }
    let most = thread::available_parallelism().unwrap_or(threads);
    threads.min(most)
}

#[cfg(test)]
mod tests {
    use super::super::kernel;
    use super::*;

    fn challenge(bits: u32) -> Challenge {
        let text = format!("1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==");
        Challenge::parse(text.as_bytes()).unwrap()
    }

    fn threads(count: usize) -> NonZero<usize> {
        NonZero::new(count).unwrap()
    }

    /// Solves `challenge`, or gives up after a hundred times the average work of the hardest test.
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
    fn a_search_continues_beyond_the_layout() {
        let challenge = kernel::tests::challenge(40, 14);
        let watch = Watch::new();
        watch
            .next_batch
            .store(Layout::new(&challenge).batches(), Relaxed);
        let counter = solve(&challenge, Kernel::best(), threads(1), &watch).unwrap();
        assert!(counter >= 10_u64.pow(14));
        assert!(challenge.is_solved_by(counter));
    }

    /// The hash of the known counter begins with 32 zero bits, and the puzzle requires 64.
    #[test]
    fn a_hit_that_the_oracle_rejects_is_not_a_solution() {
        let challenge = challenge(64);
        let watch = Watch::new();
        watch.next_batch.store(6_306, Relaxed);
        let engine = Kernel::best().starter().unwrap();
        let hits = engine(&Layout::new(&challenge))(6_306);
        assert!(hits.contains(&100_630_666_000_000_927));
        thread::scope(|scope| {
            let solver = scope.spawn(|| solve(&challenge, Kernel::best(), threads(1), &watch));
            while watch.attempts() < BATCH {
                thread::yield_now();
            }
            watch.cancel();
            assert_eq!(solver.join().unwrap(), None);
        });
    }

    #[test]
    fn a_search_without_a_solution_ends_when_it_is_cancelled() {
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
        // Every counter is a solution of this puzzle.
        let found = solve(&challenge(0), Kernel::best(), threads(3), &watch);
        assert_eq!(found, None);
        assert_eq!(watch.attempts(), 0);
    }
}
