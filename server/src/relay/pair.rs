//! One relay: a client, its upstream, and the two flows between them.

use super::ending::Ending;
use super::flow::{Flow, FlowError};
use super::network::{RelaySocket, SideEvent};
use crate::time::Moment;

/// Bytes that one relay may read in one turn of the loop, in each direction. It stops a fast relay from
/// delaying the others: beside 64 of them a round trip of another relay takes two turns of 8 MiB.
pub(super) const BUDGET: usize = 128 * 1024;

/// A relay whose upstream is connected.
#[derive(Debug)]
pub(super) struct Pair<S, C> {
    client: S,
    upstream: C,
    /// From the client to the upstream.
    up: Flow,
    /// From the upstream to the client.
    down: Flow,
    /// Bytes of our own that go to the client first.
    greeting: u64,
    /// Which side ended its stream first.
    first_end: Option<Ending>,
    /// When bytes were last carried.
    pub(super) last_active: Moment,
}

/// A side of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client that has paid.
    Client,
    /// The service behind the gate.
    Upstream,
}

impl Side {
    /// Returns how a relay ends that this side has reset.
    pub(super) fn reset(self) -> Ending {
        match self {
            Self::Client => Ending::ClientReset,
            Self::Upstream => Ending::UpstreamReset,
        }
    }
}

impl<S: RelaySocket, C: RelaySocket> Pair<S, C> {
    /// Joins a client and its upstream. `to_client` and `to_upstream` are sent before all other bytes.
    pub(super) fn new(
        client: S,
        upstream: C,
        to_client: Box<[u8]>,
        to_upstream: Box<[u8]>,
        now: Moment,
    ) -> Self {
        Self {
            client,
            upstream,
            greeting: to_client.len() as u64,
            up: Flow::new(to_upstream),
            down: Flow::new(to_client),
            first_end: None,
            last_active: now,
        }
    }

    /// Returns the bytes that were carried to the upstream and to the client.
    pub(super) fn relayed(&self) -> [u64; 2] {
        let to_client = self.down.relayed().saturating_sub(self.greeting);
        [self.up.relayed(), to_client]
    }

    /// Returns the bytes that are kept because a side does not take them.
    pub(super) fn kept(&self) -> usize {
        self.up.kept() + self.down.kept()
    }

    /// Returns whether there is more to do without a new event.
    pub(super) fn can_continue(&self) -> bool {
        self.up.can_continue() || self.down.can_continue()
    }

    /// Notes an event of one side. Returns an ending if it reports that this side has failed: a flow that
    /// waits for its sink would not find out.
    pub(super) fn on_event(&mut self, side: Side, event: SideEvent) -> Option<Ending> {
        let has_failed = event.error
            && match side {
                Side::Client => self.client.error().is_some(),
                Side::Upstream => self.upstream.error().is_some(),
            };
        if has_failed && side == Side::Upstream && self.down.is_source_finished() {
            // It has ended its stream in order, and wants no more. Its answer is still delivered.
            self.up.discard();
        } else if has_failed {
            return Some(side.reset());
        }
        let (from, to) = match side {
            Side::Client => (&mut self.up, &mut self.down),
            Side::Upstream => (&mut self.down, &mut self.up),
        };
        if event.readable {
            from.on_readable(event.closing);
        }
        if event.writable {
            to.on_writable();
        }
        None
    }

    /// Notes that the client has ended its stream while the upstream was being connected.
    pub(super) fn on_client_closing(&mut self) {
        self.up.on_readable(true);
    }

    /// Moves bytes in both directions. Returns the ending if the relay has ended. The direction to the
    /// client goes first: what the upstream sent before it failed is read before the failure is found by
    /// writing.
    pub(super) fn pump(&mut self, buffer: &mut [u8], now: Moment) -> Option<Ending> {
        let before = self.up.relayed() + self.down.relayed();
        match (self.down).pump(&mut self.upstream, &mut self.client, buffer, BUDGET) {
            Ok(()) => {}
            Err(FlowError::Source(_)) => return Some(Ending::UpstreamReset),
            Err(FlowError::Sink(_)) => return Some(Ending::ClientReset),
        }
        self.note_end();
        match (self.up).pump(&mut self.client, &mut self.upstream, buffer, BUDGET) {
            Ok(()) => {}
            // As after an event that reports it.
            Err(FlowError::Sink(_)) if self.down.is_source_finished() => self.up.discard(),
            Err(FlowError::Sink(_)) => return Some(Ending::UpstreamReset),
            Err(FlowError::Source(_)) => return Some(Ending::ClientReset),
        }
        self.note_end();
        if self.up.relayed() + self.down.relayed() != before {
            self.last_active = now;
        }
        let has_ended = self.up.has_ended() && self.down.has_ended();
        has_ended.then(|| self.first_end.unwrap_or(Ending::ClientClosed))
    }

    /// Makes closing both sides a reset.
    pub(super) fn reset(&self) {
        self.client.reset_on_close();
        self.upstream.reset_on_close();
    }

    fn note_end(&mut self) {
        if self.first_end.is_none() {
            if self.down.is_source_finished() {
                self.first_end = Some(Ending::UpstreamClosed);
            } else if self.up.is_source_finished() {
                self.first_end = Some(Ending::ClientClosed);
            }
        }
    }
}
