//! Attackers that pay. They ask, solve and present as fast as they can, each time on a new connection, while
//! honest clients go on: first at a fixed difficulty, then at a price that follows the load.

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::flood::FIRST_SOURCE;
use super::row::Row;
use crate::config::{Config, PaidPlan, SOURCES};
use crate::driver::dial::{Sources, Target};
use crate::error::LoadtestError;
use crate::honest::closed::ClosedLoop;
use crate::honest::exchange::MAX_BITS;
use crate::honest::results::Results;
use crate::honest::schedule::Plan;
use crate::own_server;

/// What attackers that pay do at one price, and the handshakes of each of their threads.
pub(crate) type PaidRow = Row<Vec<Results>>;

/// What has not counted yet: a price needs some time to follow the load.
const SETTLING: Duration = Duration::from_secs(10);
/// Handshakes of each thread in progress at once. It always has a puzzle to solve while others are on their
/// way, and solves each before a price that rises makes it too old.
const IN_PROGRESS: usize = 4;
/// How long a thread waits for an answer before it looks whether the attack is over.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// Measures attackers and honest clients at a fixed difficulty, then at one that rises from there to the
/// hardest puzzle that clients of this test solve.
///
/// # Errors
/// A server could not be started, or a call of the operating system failed.
pub(crate) fn run(config: &Config, plan: &PaidPlan) -> Result<Vec<PaidRow>, LoadtestError> {
    let fixed = config.bits.to_string();
    let rising = format!("{fixed}..{MAX_BITS}");
    let prices = [fixed, rising].into_iter();
    prices.map(|bits| measure(config, plan, bits)).collect()
}

fn measure(config: &Config, plan: &PaidPlan, bits: String) -> Result<PaidRow, LoadtestError> {
    let server = own_server::start_at_price(config, &bits, &[])?;
    let target = config.target(server.address());
    let clients = Plan {
        rate: config.rate,
        time: plan.time,
        distances: &[Duration::ZERO],
        timeout: config.timeout,
    };
    Row::measure(bits, server, target, &clients, |stop| {
        attack(config, plan, target, stop)
    })
}

/// Attacks on all threads for the time of the attack, and longer until `stop` is set.
fn attack(
    config: &Config,
    plan: &PaidPlan,
    target: Target,
    stop: &AtomicBool,
) -> io::Result<Vec<Results>> {
    let count = config.sources.unwrap_or(SOURCES);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.threads)
            .map(|_| {
                let sources = Sources::new(FIRST_SOURCE, count);
                let attackers = ClosedLoop::new(target, config.timeout, sources);
                scope.spawn(|| pay(attackers?, plan.time, stop))
            })
            .collect();
        let results = threads.into_iter();
        results
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// Pays again and again on this thread. Returns what has come of it, without the time in which the price
/// settles: [`SETTLING`], or half of a shorter attack.
fn pay(mut attackers: ClosedLoop, time: Duration, stop: &AtomicBool) -> io::Result<Results> {
    let start = Instant::now();
    let settling = SETTLING.min(time / 2);
    let mut settled = None;
    while start.elapsed() < time || !stop.load(Relaxed) {
        if settled.is_none() && start.elapsed() >= settling {
            attackers.results = Results::default();
            settled = Some(Instant::now());
        }
        attackers.begin(IN_PROGRESS - attackers.in_progress())?;
        attackers.turn(Some(Instant::now() + LONGEST_WAIT))?;
    }
    let elapsed = settled.unwrap_or(start).elapsed();
    Ok(attackers.results.conclude(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_first_half_of_a_short_attack_does_not_count() {
        // It never answers.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::new(listener.local_addr().unwrap(), false);
        let sources = Sources::new(FIRST_SOURCE, 1);
        let attackers = ClosedLoop::new(target, SETTLING, sources).unwrap();
        let time = Duration::from_millis(100);
        let start = Instant::now();
        let results = pay(attackers, time, &AtomicBool::new(true)).unwrap();
        let elapsed = start.elapsed();
        assert!(elapsed >= time);
        assert!(results.elapsed() <= elapsed - time / 2, "{results:?}");
    }
}
