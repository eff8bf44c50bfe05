//! A siege: each attack in turn on a server of its own, while honest clients go on as if nothing were.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::LoadtestError;
use super::attack::Attack;
use super::config::{AttackPlan, Config};
use super::flood::Flood;
use super::honest;
use super::outcome::Outcome;
use super::server::Server;

/// What honest clients and the server felt of one attack.
#[derive(Debug)]
pub(super) struct Row {
    /// `none` where nobody attacked.
    pub(super) attack: &'static str,
    /// Attacking connections that were made.
    pub(super) opened: u64,
    /// The latencies are what was not solving.
    pub(super) honest: Outcome,
    /// The server's share of one processor.
    pub(super) cpu: f64,
    /// The most bytes that were resident in the server.
    pub(super) peak: u64,
    /// Bytes that the server logged a minute.
    pub(super) log: f64,
}

/// Measures honest clients alone, then under each attack of `plan`.
pub(super) fn lay(config: &Config, plan: &AttackPlan) -> Result<Vec<Row>, LoadtestError> {
    let attacks = plan.attacks.iter().map(Some);
    let rows = [None].into_iter().chain(attacks);
    rows.map(|attack| measure(config, plan, attack)).collect()
}

fn measure(
    config: &Config,
    plan: &AttackPlan,
    attack: Option<&'static Attack>,
) -> Result<Row, LoadtestError> {
    // As it is installed: no option makes it any stronger, or any weaker.
    let server = Server::start_with(config, &[])?;
    let address = server.address;
    let flood = attack.map(|attack| Flood::new(attack, plan, config.sources, address));
    let flood = flood.transpose()?;
    let stop = AtomicBool::new(false);

    let before = server.usage()?;
    let start = Instant::now();
    let (honest, after, elapsed, opened) = thread::scope(|scope| {
        let flood = flood.map(|flood| scope.spawn(|| flood.run(&stop)));
        let honest = honest::run(address, plan.time, config.timeout);
        let (after, elapsed) = (server.usage(), start.elapsed());
        stop.store(true, Relaxed);
        let opened = flood.map(|flood| flood.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (honest, after, elapsed, opened.transpose())
    });
    let (after, opened) = (after?, opened?);

    let a_second = |amount: f64| amount / elapsed.max(Duration::from_millis(1)).as_secs_f64();
    Ok(Row {
        attack: attack.map_or("none", |attack| attack.name),
        opened: opened.unwrap_or_default(),
        honest,
        cpu: a_second((after.cpu - before.cpu).as_secs_f64()),
        peak: after.peak,
        log: a_second((after.log_bytes - before.log_bytes) as f64) * 60.0,
    })
}
