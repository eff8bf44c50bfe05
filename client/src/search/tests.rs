//! The search on threads, and on a machine that starts none.

use super::*;

const MEANS: Means = Means {
    threads: NonZero::<usize>::MIN,
    kernel: Kernel::Portable,
    allowed: Duration::from_secs(3_600),
};

fn challenge(bits: u8) -> Challenge {
    let text = format!("1:{bits}:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==");
    Challenge::parse(text.as_bytes()).unwrap()
}

/// A search on a machine that starts no threads.
fn search_here(bits: u8, allowed: Duration) -> Search {
    Search {
        challenge: Arc::new(challenge(bits)),
        means: Means { allowed, ..MEANS },
        work: Work::Here(Cell::new(0)),
        start: Instant::now(),
        has_estimate: Cell::new(false),
        _turn: None,
    }
}

#[test]
fn a_machine_without_threads_solves_a_puzzle_too() {
    let search = search_here(12, MEANS.allowed);
    let stamp = loop {
        if let Some(stamp) = search.wait(Duration::from_millis(1)).unwrap() {
            break stamp;
        }
    };
    assert!(search.challenge.difficulty().is_met_by(&stamp));
    let effort = search.effort();
    assert!(effort.attempts > 0 && effort.kernel == Kernel::Portable);
}

#[test]
fn a_machine_without_threads_gives_up_in_time_too() {
    let search = search_here(64, Duration::from_millis(20));
    let waited = loop {
        match search.wait(Duration::from_millis(1)) {
            Ok(None) => {}
            ended => break ended,
        }
    };
    assert!(matches!(waited, Err(PayError::Unsolved { .. })));
    assert!(search.start.elapsed() >= search.means.allowed);
}

#[test]
#[should_panic(expected = "a fault of the solver")]
fn a_panic_of_the_solver_continues_where_the_stamp_is_waited_for() {
    let (sender, counter) = channel();
    let faulty = move || {
        let _sender = sender;
        panic!("a fault of the solver");
    };
    let mut search = search_here(8, MEANS.allowed);
    search.work = Work::Threads {
        watch: Arc::new(Watch::new()),
        counter,
        thread: RefCell::new(Some(thread::spawn(faulty))),
    };
    let _ = search.wait(MEANS.allowed);
}

#[test]
fn the_estimate_comes_once_and_only_after_a_measurement() {
    let search = Search::start(challenge(64), MEANS, None);
    let estimate = loop {
        if let Some(estimate) = search.new_estimate() {
            break estimate;
        }
        assert!(search.wait(Duration::from_millis(1)).unwrap().is_none());
    };
    assert!(search.start.elapsed() >= MEASUREMENT);
    assert!(estimate.is_hopeless() && estimate.rate() > 0.0);
    assert_eq!(search.new_estimate(), None);
}
