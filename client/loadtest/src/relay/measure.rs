//! The phases of the load of a gate: bulk and round trips, then idle relays.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use powtcp_testkit::server::ServerProcess;

use super::echo;
use super::payment::pay;
use super::traffic::{Load, Run, Traffic};
use crate::config::Config;
use crate::error::LoadtestError;
use crate::own_server;

/// How often each measurement is made, in alternating order: the speed of a machine drifts.
const ROUNDS: usize = 3;
/// At most this number of connections carry bulk.
const MAX_BULK: usize = 64;
/// A message that neither the buffers of the sockets nor a turn of the gate can hold.
const BULK: Load = Load {
    message: 4 * 1024 * 1024,
    count: 1,
};
/// Each round trip is a message of 1 kB and its answer.
const ROUND_TRIPS: Load = Load {
    message: 1000,
    count: 200,
};
/// What a relay carries, in each direction, before it is idle.
const FILL: Load = Load {
    message: 64 * 1024,
    count: 1,
};

/// What was measured.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) gate: Side,
    /// The same traffic without a gate.
    pub(crate) direct: Side,
    /// Resident bytes of the gate for each idle relay; `None` without idle relays.
    pub(crate) idle: Option<f64>,
}

/// The measurements with the gate, or those without it.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) bulk: Cost,
    pub(crate) round_trips: Cost,
    /// Of the round trips, sorted.
    pub(crate) latencies: Vec<Duration>,
}

/// What an amount of traffic has taken.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    /// Bytes, of both directions.
    pub(crate) bytes: usize,
    pub(crate) elapsed: Duration,
    /// Time of the gate on a processor; zero without a gate.
    pub(crate) cpu: Duration,
}

/// Returns the number of connections that carry bulk.
pub(crate) fn bulk_connections(config: &Config) -> usize {
    config.concurrency.min(MAX_BULK)
}

/// Starts an upstream and gates of its own, and measures them.
///
/// # Errors
/// The gate could not be started, or it ended, or a relay failed.
pub(crate) fn measure(config: &Config) -> Result<Findings, LoadtestError> {
    let upstream = echo::start()?;
    let (gate, direct) = with_gate(config, upstream, |server| rounds(config, server, upstream))?;
    let idle = if config.idle > 0 {
        Some(with_gate(config, upstream, |server| {
            idle_cost(config, server)
        })?)
    } else {
        None
    };
    Ok(Findings { gate, direct, idle })
}

/// Starts a gate for `act`. If the gate ends, that is the error.
fn with_gate<T>(
    config: &Config,
    upstream: SocketAddr,
    act: impl FnOnce(&ServerProcess) -> io::Result<T>,
) -> Result<T, LoadtestError> {
    let relays = (config.idle.max(config.concurrency) + 1).to_string();
    let upstream = upstream.to_string();
    let options = [
        ["--upstream", &upstream],
        ["--max-relays", &relays],
        // All relays come from one address.
        ["--max-relays-per-ip", "0"],
        ["--max-connections-per-ip", "0"],
    ];
    let mut server = own_server::start(config, options.as_flattened())?;
    act(&server).map_err(|error| match server.end() {
        Some(end) => LoadtestError::ServerEnded(end),
        None => error.into(),
    })
}

/// Measures bulk and round trips, through the gate and directly.
fn rounds(
    config: &Config,
    server: &ServerProcess,
    upstream: SocketAddr,
) -> io::Result<(Side, Side)> {
    let mut relayed = Traffic::new()?;
    let mut plain = Traffic::new()?;
    for _ in 0..config.concurrency {
        relayed.add(pay(server.address(), config.timeout)?)?;
        let socket = TcpStream::connect(upstream)?;
        socket.set_nodelay(true)?;
        plain.add(socket)?;
    }
    let (mut gate, mut direct) = (Side::default(), Side::default());
    for round in 0..ROUNDS {
        for turn in 0..2 {
            // Neither of the two is always the first of a round.
            if (round + turn) % 2 == 0 {
                gate.measure(config, &mut relayed, || Ok(server.usage()?.cpu))?;
            } else {
                direct.measure(config, &mut plain, || Ok(Duration::ZERO))?;
            }
        }
    }
    gate.latencies.sort_unstable();
    direct.latencies.sort_unstable();
    Ok((gate, direct))
}

/// Returns the resident bytes of the gate for each idle relay.
fn idle_cost(config: &Config, server: &ServerProcess) -> io::Result<f64> {
    let address = server.address();
    // What the first relay makes the gate allocate is not the cost of each relay.
    let mut first = Traffic::new()?;
    first.add(pay(address, config.timeout)?)?;
    first.run(1, FILL, config.timeout)?;
    let empty = server.usage()?.resident;
    let mut batches = Vec::new();
    let mut missing = config.idle;
    while missing > 0 {
        let mut batch = Traffic::new()?;
        for _ in 0..config.concurrency.min(missing) {
            batch.add(pay(address, config.timeout)?)?;
        }
        batch.run(batch.len(), FILL, config.timeout)?;
        missing -= batch.len();
        batches.push(batch);
    }
    let grown = server.usage()?.resident.saturating_sub(empty);
    Ok(grown as f64 / config.idle as f64)
}

impl Side {
    /// Makes one round of both measurements. `cpu` returns what the gate has used so far.
    fn measure(
        &mut self,
        config: &Config,
        traffic: &mut Traffic,
        cpu: impl Fn() -> io::Result<Duration>,
    ) -> io::Result<()> {
        let mut run = |cost: &mut Cost, connections: usize, load: Load| {
            let before = cpu()?;
            let run = traffic.run(connections, load, config.timeout)?;
            cost.add(connections, load, &run, cpu()? - before);
            io::Result::Ok(run)
        };
        run(&mut self.bulk, bulk_connections(config), BULK)?;
        let trips = run(&mut self.round_trips, config.concurrency, ROUND_TRIPS)?;
        self.latencies.extend(trips.latencies);
        Ok(())
    }
}

impl Cost {
    fn add(&mut self, connections: usize, load: Load, run: &Run, cpu: Duration) {
        self.bytes += 2 * connections * load.message * load.count;
        self.elapsed += run.elapsed;
        self.cpu += cpu;
    }
}
