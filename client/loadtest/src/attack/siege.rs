//! A siege: each attack in turn on a new server, while honest clients go on.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::Attack;
use super::flood::Flood;
use crate::config::{AttackPlan, Config};
use crate::error::LoadtestError;
use crate::honest::clients;
use crate::honest::results::Results;
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
    /// The server's share of one processor.
    pub(crate) cpu: f64,
    /// The most bytes that were resident in the server.
    pub(crate) peak: u64,
    /// Bytes that the server logged per minute.
    pub(crate) log: f64,
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
    // The server has its default options: no other limits make it stronger or weaker.
    let server = own_server::start(config, &[])?;
    let address = server.address();
    let flood = attack.map(|attack| Flood::new(attack, plan, config.sources, address));
    let flood = flood.transpose()?;
    let stop = AtomicBool::new(false);

    let before = server.usage()?;
    let start = Instant::now();
    let (honest, after, log, elapsed, opened) = thread::scope(|scope| {
        let flood = flood.map(|flood| scope.spawn(|| flood.run(&stop)));
        let honest = clients::run(address, plan.time, config.timeout);
        let (after, log, elapsed) = (server.usage(), server.log_bytes(), start.elapsed());
        stop.store(true, Relaxed);
        let opened = flood.map(|flood| flood.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (honest, after, log, elapsed, opened.transpose())
    });
    let (honest, after, opened) = (honest?, after?, opened?);

    let per_second = |amount: f64| amount / elapsed.max(Duration::from_millis(1)).as_secs_f64();
    Ok(Row {
        attack: attack.map_or("none", |attack| attack.name),
        opened: opened.unwrap_or_default(),
        honest,
        cpu: per_second((after.cpu - before.cpu).as_secs_f64()),
        peak: after.peak,
        log: per_second(log as f64) * 60.0,
    })
}
