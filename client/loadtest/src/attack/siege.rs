//! A siege: each attack in turn on a new server, while honest clients go on.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::Attack;
use super::flood::Flood;
use crate::config::{AttackPlan, Config};
use crate::error::LoadtestError;
use crate::honest::results::Results;
use crate::honest::schedule::{self, Plan};
use crate::own_server;

/// What one attack does to honest clients and to the server.
#[derive(Debug)]
pub(crate) struct Row {
    /// `none` without an attack.
    pub(crate) attack: &'static str,
    /// Attacking connections that were established.
    pub(crate) opened: u64,
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

/// Measures honest clients without an attack, then under each attack of `plan`.
///
/// # Errors
/// A server could not be started, or a call of the operating system failed.
pub(crate) fn run(config: &Config, plan: &AttackPlan) -> Result<Vec<Row>, LoadtestError> {
    let attacks = plan.attacks.iter().map(Some);
    let rows = [None].into_iter().chain(attacks);
    rows.map(|attack| measure(config, plan, attack)).collect()
}

fn measure(
    config: &Config,
    plan: &AttackPlan,
    attack: Option<&'static Attack>,
) -> Result<Row, LoadtestError> {
    // No options but those of the attack make the server stronger or weaker.
    let options = attack.map_or(&[][..], |attack| attack.server_options);
    let mut server = own_server::start(config, options)?;
    let target = config.target(server.address());
    let flood = attack.map(|attack| Flood::new(attack, plan, config.sources, target));
    let flood = flood.transpose()?;
    let clients = Plan {
        rate: config.rate,
        time: plan.time,
        distances: attack.map_or(&[Duration::ZERO], |attack| attack.distances),
        timeout: config.timeout,
    };
    let stop = AtomicBool::new(false);

    let before = server.usage()?;
    let start = Instant::now();
    let (honest, after, log, elapsed, opened) = thread::scope(|scope| {
        let flood = flood.map(|flood| scope.spawn(|| flood.run(&stop)));
        let honest = schedule::run(target, &clients);
        let (after, log, elapsed) = (server.usage(), server.log_bytes(), start.elapsed());
        stop.store(true, Relaxed);
        let opened = flood.map(|flood| flood.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (honest, after, log, elapsed, opened.transpose())
    });
    let cost = after.ok().map(|after| Cost {
        cpu: (after.cpu - before.cpu).as_secs_f64() / elapsed.as_secs_f64(),
        peak: after.peak,
    });
    Ok(Row {
        attack: attack.map_or("none", |attack| attack.name),
        opened: opened?.unwrap_or_default(),
        honest: honest?,
        // A server that has ended and one that the kernel tells nothing about have no cost; the first
        // has a reason.
        cost,
        log,
        server_end: server.end(),
    })
}
