//! A siege: each attack in turn on a new server, while honest clients go on.

use std::time::Duration;

use super::Attack;
use super::flood::Flood;
use super::row::Row;
use crate::config::{AttackPlan, Config};
use crate::error::LoadtestError;
use crate::honest::schedule::Plan;
use crate::own_server;

/// What one attack does, `none` without an attack, and the attacking connections that were established.
pub(crate) type SiegeRow = Row<u64>;

/// Measures honest clients without an attack, then under each attack of `plan`.
///
/// # Errors
/// A server could not be started, or a call of the operating system failed.
pub(crate) fn run(config: &Config, plan: &AttackPlan) -> Result<Vec<SiegeRow>, LoadtestError> {
    let attacks = plan.attacks.iter().map(Some);
    let rows = [None].into_iter().chain(attacks);
    rows.map(|attack| measure(config, plan, attack)).collect()
}

fn measure(
    config: &Config,
    plan: &AttackPlan,
    attack: Option<&'static Attack>,
) -> Result<SiegeRow, LoadtestError> {
    // No options but those of the attack make the server stronger or weaker.
    let options = attack.map_or(&[][..], |attack| attack.server_options);
    let server = own_server::start(config, options)?;
    let target = config.target(server.address());
    let flood = attack.map(|attack| Flood::new(attack, plan, config.sources, target));
    let flood = flood.transpose()?;
    let clients = Plan {
        rate: config.rate,
        time: plan.time,
        distances: attack.map_or(&[Duration::ZERO], |attack| attack.distances),
        timeout: config.timeout,
    };
    let name = attack.map_or("none", |attack| attack.name).to_string();
    Row::measure(name, server, target, &clients, |stop| {
        flood.map_or(Ok(0), |flood| flood.run(stop))
    })
}
