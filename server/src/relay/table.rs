//! The table of all relays: what reaches it, by turns, events and deadlines.

use std::collections::VecDeque;

use mio::net::TcpStream;
use powtcp_common::refusal::Refusal;
use slab::Slab;

use super::Gate;
use super::dialing::Dialing;
use super::ending::Ending;
use super::life::{Next, Relay};
use super::network::{Dial, RelaySocket, SideEvent};
use super::pair::Side;
use super::upstream::Upstream;
use crate::net::connections::Connections;
use crate::net::shared::Shared;
use crate::time::Now;

/// Bytes of one read. The buffer is shared by all relays; what a side does not take of it is kept, so it
/// also bounds what one stalled direction costs.
pub(super) const BUFFER_LEN: usize = 128 * 1024;
/// All relays, open or connecting.
pub struct Relays<S = TcpStream, U: Dial = Upstream> {
    pub(super) gate: Gate<U>,
    pub(super) table: Slab<Relay<S, U::Socket>>,
    pub(super) buffer: Box<[u8]>,
    /// Relays that have more to do without a new event, in turn.
    pub(super) ready: VecDeque<usize>,
    /// Bytes that all relays keep.
    pub(super) kept: usize,
}

impl<S: RelaySocket, U: Dial> Relays<S, U> {
    /// Creates an empty table for `capacity` relays. It takes memory as they come, but is never copied to a
    /// larger one, which would leave the memory of the smaller one unused.
    pub fn new(gate: Gate<U>, capacity: usize) -> Self {
        Self {
            gate,
            table: Slab::with_capacity(capacity),
            buffer: vec![0; BUFFER_LEN].into_boxed_slice(),
            ready: VecDeque::new(),
            kept: 0,
        }
    }

    /// Returns whether there are no relays.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Returns the number of relays that are connecting, and of those that are open.
    pub fn counts(&self) -> [usize; 2] {
        let is_dialing = |(_, relay): &(usize, &Relay<S, U::Socket>)| relay.is_dialing();
        let dialing = self.table.iter().filter(is_dialing).count();
        [dialing, self.table.len() - dialing]
    }

    /// Returns the bytes of memory that relays keep because a side does not take them.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Returns whether relays have more to do without a new event. The loop must not sleep then.
    pub fn is_busy(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Handles an event of one side of a relay.
    pub fn on_event(
        &mut self,
        side: Side,
        key: usize,
        event: SideEvent,
        connections: &mut Connections<S>,
        shared: &mut Shared,
        now: Now,
    ) {
        // An event of a relay that ended earlier in this turn is stale.
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        match relay.on_event(side, event) {
            Next::Wait => {}
            Next::Dial => self.dial(key, connections, shared, now, Dialing::on_event),
            Next::Pump => self.pump(key, shared, now),
            Next::End(ending) => self.end(key, ending, shared, now),
        }
    }

    /// Handles the deadline of a relay: of connecting, or of being idle.
    pub fn on_deadline(
        &mut self,
        key: usize,
        connections: &mut Connections<S>,
        shared: &mut Shared,
        now: Now,
    ) {
        let Some(relay) = self.table.get(key) else {
            return;
        };
        if relay.is_dialing() {
            return self.dial(key, connections, shared, now, Dialing::on_wake);
        }
        match relay.deadline(self.gate.idle_timeout) {
            Some((deadline, ending)) if now.moment >= deadline => {
                self.end(key, ending, shared, now);
            }
            deadline => self.arm(key, deadline.map(|(deadline, _)| deadline), shared),
        }
    }

    /// Begins the relays of the clients that came in this turn, and continues those that had more to do
    /// than the budget of a turn.
    pub fn take_turn(&mut self, connections: &mut Connections<S>, shared: &mut Shared, now: Now) {
        for entrant in connections.take_entrants() {
            self.begin(entrant, connections, shared, now);
        }
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else {
                return;
            };
            if let Some(relay) = self.table.get_mut(key)
                && std::mem::take(&mut relay.is_queued)
            {
                self.pump(key, shared, now);
            }
        }
    }

    /// Resets all open relays, and returns the clients whose upstream is being connected.
    pub fn shut_down(&mut self, connections: &mut Connections<S>, shared: &mut Shared, now: Now) {
        let all = self.table.iter();
        let relays: Vec<_> = all.map(|(key, relay)| (key, relay.is_dialing())).collect();
        for (key, is_dialing) in relays {
            if is_dialing {
                let why = Refusal::ShuttingDown;
                self.give_back(key, Ending::Shutdown, why, connections, shared, now);
            } else {
                self.end(key, Ending::Shutdown, shared, now);
            }
        }
    }
}
