//! One row of a table of attacks: honest clients and an attack at the same time, and what both cost the
//! server.

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use powtcp_testkit::server::ServerProcess;

use crate::driver::dial::Target;
use crate::error::LoadtestError;
use crate::honest::results::Results;
use crate::honest::schedule::{self, Plan};

/// What one attack does to honest clients and to the server.
#[derive(Debug)]
pub(crate) struct Row<T> {
    /// Tells this row from the others.
    pub(crate) name: String,
    /// What the attack has come to.
    pub(crate) attack: T,
    /// The handshakes of the honest clients. The latencies exclude solving.
    pub(crate) honest: Results,
    /// What the server used, unless it ended.
    pub(crate) cost: Option<Cost>,
    /// Bytes that the server logged.
    pub(crate) log: u64,
    /// How the server ended, if it did.
    pub(crate) server_end: Option<String>,
}

/// What a server uses during an attack.
#[derive(Debug)]
pub(crate) struct Cost {
    /// Its share of one processor.
    pub(crate) cpu: f64,
    /// The most bytes that were resident.
    pub(crate) peak: u64,
}

impl<T: Send> Row<T> {
    /// Runs `attack` on a thread while honest clients start at `server` as `clients` says. The attack is
    /// told to stop when the last of them has ended.
    ///
    /// # Errors
    /// A call of the operating system failed.
    pub(super) fn measure(
        name: String,
        mut server: ServerProcess,
        target: Target,
        clients: &Plan,
        attack: impl FnOnce(&AtomicBool) -> io::Result<T> + Send,
    ) -> Result<Self, LoadtestError> {
        let stop = AtomicBool::new(false);
        let before = server.usage()?;
        let start = Instant::now();
        let (honest, after, log, elapsed, attack) = thread::scope(|scope| {
            let attack = scope.spawn(|| attack(&stop));
            let honest = schedule::run(target, clients);
            let (after, log, elapsed) = (server.usage(), server.log_bytes(), start.elapsed());
            stop.store(true, Relaxed);
            let attack = attack.join().unwrap_or_else(|panic| resume_unwind(panic));
            (honest, after, log, elapsed, attack)
        });
        let cost = after.ok().map(|after| Cost {
            cpu: (after.cpu - before.cpu).as_secs_f64() / elapsed.as_secs_f64(),
            peak: after.peak,
        });
        Ok(Self {
            name,
            attack: attack?,
            honest: honest?,
            // A server that has ended and one that the kernel tells nothing about have no cost; the first
            // has a reason.
            cost,
            log,
            server_end: server.end(),
        })
    }
}
