//! The honest clients during an attack: each makes one handshake after another, and measures how long
//! the server kept it waiting.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use mio::Waker;
use powtcp_common::hashcash::Challenge;

use super::exchange::solved;
use super::results::Results;
use crate::driver::dial::Sources;
use crate::driver::{Driver, Id, News};

/// The number of clients: few, so that they are not a load themselves.
pub(crate) const CLIENTS: u32 = 8;
/// The pause of each client after a handshake, for the same reason.
const PAUSE: Duration = Duration::from_millis(20);
/// The address of the first client. Each has its own, and attackers have none of them.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 2, 0, 1);

/// A puzzle for the solver, and when it arrived.
type Task = (Id, Challenge, Instant);
/// The stamp for a puzzle, and when the puzzle arrived.
type SolvedTask = (Id, Vec<u8>, Instant);

/// Makes handshakes with `server` for `time`, at least one for each client, and lets those in progress
/// end. The latencies exclude solving, and a handshake that waits longer than `timeout` fails.
///
/// # Errors
/// The operating system's, except those of a connection, which are failed handshakes.
pub(crate) fn run(server: SocketAddr, time: Duration, timeout: Duration) -> io::Result<Results> {
    let driver = Driver::new(server, timeout)?;
    let waker = driver.waker()?;
    let (tasks, inbox) = mpsc::channel();
    let (outbox, stamps) = mpsc::channel();
    thread::scope(|scope| {
        // Solving on the thread of the driver would delay the other clients.
        scope.spawn(move || solve_all(inbox, &outbox, &waker));
        make_handshakes(driver, time, tasks, &stamps)
    })
}

/// Solves puzzles until there can be no more.
fn solve_all(inbox: Receiver<Task>, outbox: &Sender<SolvedTask>, waker: &Waker) {
    for (id, challenge, received) in inbox {
        // Both fail only after an error of the driver.
        let _ = outbox.send((id, solved(&challenge), received));
        let _ = waker.wake();
    }
}

/// Drives all clients. Dropping `tasks` at the end stops the solver.
fn make_handshakes(
    mut driver: Driver,
    time: Duration,
    tasks: Sender<Task>,
    stamps: &Receiver<SolvedTask>,
) -> io::Result<Results> {
    let mut results = Results::default();
    let start = Instant::now();
    let end = start + time;
    let mut sources = Sources::new(FIRST_SOURCE, CLIENTS);
    // When each client connects next. They start one by one, so that they do not run in step.
    let mut resting: VecDeque<_> = (0..CLIENTS)
        .map(|number| (start + PAUSE / CLIENTS * number, sources.next()))
        .collect();
    loop {
        let now = Instant::now();
        while let Some(&(due, source)) = resting.front()
            && due <= now
        {
            resting.pop_front();
            driver.open(source)?;
        }
        let wake = resting.front().map(|&(due, _)| due);
        if wake.is_none() && driver.is_done() {
            return Ok(results.conclude(start.elapsed()));
        }
        for news in driver.turn(wake)? {
            let source = match news {
                News::Puzzle { id, challenge } => {
                    // The solver receives until the end of this function.
                    let _ = tasks.send((id, challenge, Instant::now()));
                    continue;
                }
                News::Served { source, latency } => {
                    results.succeed(latency);
                    source
                }
                News::Failed { source, kind } => {
                    results.fail(kind);
                    source
                }
            };
            let due = Instant::now() + PAUSE;
            if due < end {
                resting.push_back((due, source));
            }
        }
        for (id, stamp, received) in stamps.try_iter() {
            driver.pay(id, &stamp, received.elapsed());
        }
    }
}
