//! What a server needs before it can run: sockets, signals, descriptors, and the parts of the loop.

use std::io;

use libc::{SIGHUP, SIGINT, SIGTERM};
use mio::{Interest, Poll};
use signal_hook_mio::v1_0::Signals;

use super::Server;
use crate::admission::RelayLimits;
use crate::config::{Config, GateConfig, Listen, StartReport};
use crate::descriptors::DescriptorPlan;
use crate::housekeeping::Housekeeping;
use crate::metrics_page::MetricsPage;
use crate::net::acceptors::{Acceptors, listen_error};
use crate::net::clock::Clock;
use crate::net::connections::Connections;
use crate::net::intake::Intake;
use crate::net::shared::Shared;
use crate::net::token::Token;
use crate::protocol::Mint;
use crate::relay::Relays;
use crate::telemetry::log::Log;
use crate::telemetry::process::open_descriptors;

impl Server {
    /// Opens the listening sockets, catches SIGINT, SIGTERM and SIGHUP, and raises the limit on
    /// descriptors.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use, with the address; or a name that
    /// cannot be resolved.
    pub fn bind(mut config: Config) -> io::Result<Self> {
        let clock = Clock::start();
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let mut start_report = StartReport::new(&config);
        let gate = config.gate.as_ref().map(GateConfig::resolve).transpose()?;
        let (acceptors, absent) =
            Acceptors::bind(&config.listen.resolve()?, config.port_use, &registry)?;
        start_report.absent = absent;
        let bind_page = |listen: Listen| {
            let [address, ..] = listen.resolve()?[..] else {
                return Err(io::Error::other("no address for metrics"));
            };
            MetricsPage::bind(address, &registry).map_err(|error| {
                let error = listen_error(address, &error);
                io::Error::new(error.kind(), format!("--metrics: {error}"))
            })
        };
        let metrics_page = config.metrics.map(bind_page).transpose()?;
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        registry.register(&mut signals, Token::Signals.into(), Interest::READABLE)?;
        // After all sockets, because it counts what is open.
        let open = open_descriptors(None).unwrap_or(0);
        let relays = config.gate.as_ref().map_or(0, |gate| gate.max_relays);
        let descriptors = DescriptorPlan::make(config.bounds.connections, relays, open);
        config.bounds.connections = descriptors.connections;
        descriptors.grow_kernel_table();
        let log = Log::start(config.log_level, config.log_format)?;
        let mint = Mint::new(config.secret.as_bytes(), clock.wall_at_start());
        let pricing = config.price.pricing(config.rules.dialect)?;
        let resources = config.resources;
        let mut shared = Shared::new(config.rules, mint, pricing, resources, log, registry);
        shared.access = config.access;
        shared.relay_limits = config
            .gate
            .as_ref()
            .map(|gate| RelayLimits::new(descriptors.relays, gate.max_relays_per_source));
        Ok(Self {
            poll,
            signals,
            clock,
            housekeeping: Housekeeping::default(),
            shared,
            intake: Intake::new(acceptors, descriptors.waiting),
            connections: Connections::new(config.bounds),
            relays: gate.map(|gate| Relays::new(gate, descriptors.relays)),
            metrics_page,
            shutdown_timeout: config.shutdown_timeout,
            descriptors,
            start_report: Some(start_report),
        })
    }
}
