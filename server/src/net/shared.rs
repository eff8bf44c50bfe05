//! What belongs to the server as a whole, passed to each function that handles an event.

use mio::Registry;
use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::Difficulty;

use super::random::RandomBlock;
use crate::admission::{Access, Pricing, RelayLimits, Source};
use crate::protocol::{Mint, Payment, Rules, Service};
use crate::resources::Resources;
use crate::telemetry::health::UpstreamHealth;
use crate::telemetry::log::Log;
use crate::telemetry::metrics::Metrics;
use crate::time::{Moment, TimerWheel};

/// Bytes that are read and discarded in one turn of the loop, for all connections that have ended.
/// It bounds the work for many peers that go on sending after their last answer.
const DISCARDED_PER_TURN: usize = 256 * 1024;

/// Everything that connections, the intake and the metrics page have in common.
pub struct Shared {
    /// The rules that hold for every session.
    pub rules: Rules,
    /// Makes and checks puzzles.
    pub mint: Mint,
    /// How difficult puzzles are.
    pub pricing: Pricing,
    /// Every deadline of the server.
    pub timers: TimerWheel<Timer>,
    /// The log on standard error.
    pub log: Log,
    /// The counters.
    pub metrics: Metrics,
    /// How connections begin, by network.
    pub access: Access,
    /// The number of relays and its limits, in a gate.
    pub relay_limits: Option<RelayLimits>,
    /// Whether the upstream of a gate can be reached, as far as the last attempt told.
    pub upstream_health: UpstreamHealth,
    /// The poll's registry.
    pub registry: Registry,
    /// Bytes of answers on their way from a session to a socket. It never holds more than the answers
    /// to one read of one connection.
    pub(super) outgoing: Vec<u8>,
    pub(super) resources: Resources,
    pub(super) random: RandomBlock,
    discardable: usize,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The session of the connection with this key.
    Connection(u32),
    /// The relay with this key: its connecting, or its being idle.
    Relay(u32),
    /// The visit of the metrics page in this slot.
    Visit(u32),
    /// Another attempt to accept, after descriptors ran out or accepting kept failing.
    AcceptRetry,
    /// Another attempt to accept a visit of the metrics page.
    VisitRetry,
    /// The log line about suppressed lines.
    LogReport,
    /// Another attempt to report dropped log lines.
    DropReport,
    /// The end of a shutdown's wait for clients that hold a puzzle.
    Shutdown,
}

impl Shared {
    /// Creates the shared part of a server that hands out `resources`.
    pub fn new(
        rules: Rules,
        mint: Mint,
        pricing: Pricing,
        resources: Resources,
        log: Log,
        registry: Registry,
    ) -> Self {
        Self {
            rules,
            mint,
            pricing,
            timers: TimerWheel::new(),
            log,
            metrics: Metrics::new(),
            access: Access::default(),
            relay_limits: None,
            upstream_health: UpstreamHealth::default(),
            registry,
            outgoing: Vec::new(),
            resources,
            random: RandomBlock::new(),
            discardable: DISCARDED_PER_TURN,
        }
    }

    /// Returns what a right stamp of a client from `source` buys now.
    pub(super) fn service(&self, source: Source) -> Service {
        match &self.relay_limits {
            None => Service::Resource,
            Some(limits) => Service::Relay {
                is_full: limits.is_full_for(source),
                free_share: limits.free_share(),
            },
        }
    }

    /// Returns the number of relays of `source`.
    pub(super) fn relays_of(&self, source: Source) -> u32 {
        self.relay_limits
            .as_ref()
            .map_or(0, |limits| limits.held_by(source))
    }

    /// Returns the share of relays that are free, 0 to 1; 1 without a gate.
    pub fn free_share(&self) -> f64 {
        let limits = self.relay_limits.as_ref();
        limits.map_or(1.0, RelayLimits::free_share)
    }

    /// Returns the difficulty of a puzzle now, without a surcharge.
    pub fn level(&self, now: Moment) -> Difficulty {
        self.pricing.level(self.free_share(), now)
    }

    /// Counts a payment for a relay that is final, because it is not good again.
    pub fn on_paid(&mut self, payment: &Payment, client: ClientAddr, now: Moment) {
        let (source, level) = (client.ip().into(), payment.price.level);
        let free_share = self.free_share();
        self.pricing.served(source, level, free_share, now);
    }

    /// Begins a turn of the loop: its budgets are full again.
    pub fn begin_turn(&mut self) {
        self.discardable = DISCARDED_PER_TURN;
    }

    /// Takes `len` discarded bytes off the turn's budget. Returns whether any of it is left.
    pub(super) fn discard(&mut self, len: usize) -> bool {
        self.discardable = self.discardable.saturating_sub(len);
        self.discardable > 0
    }
}
