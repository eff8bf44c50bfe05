//! The relays of a gate: clients that have paid, joined to the service behind the gate.
//!
//! A connection that is paid for leaves the table of connections, and its slot is free. Here it first waits
//! for its upstream (`dialing`); then two `flow`s carry bytes between the two (`pair`).

mod dialing;
mod ending;
mod flow;
mod pair;
mod report;
mod upstream;

use std::collections::VecDeque;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry};
use powtcp_common::address::ClientAddr;
use powtcp_common::refusal::Refusal;
use slab::Slab;

pub use ending::Ending;
pub use flow::{Flow, FlowError, Sink};
pub use pair::Side;
pub use upstream::Upstream;

use crate::admission::Source;
use crate::net::connections::{Connections, Returned};
use crate::net::io::INPUT;
use crate::net::shared::{Shared, Timer};
use crate::net::token::Token;
use crate::protocol::Payment;
use crate::time::{Moment, Now, TimerId};
use dialing::{Dialed, Dialing};
use pair::Pair;
use report::RelayReport;
use upstream::{UpstreamSocket, has_error, keep_alive, reset_on_close};

/// Bytes of one read. The buffer is shared by all relays; what a side does not take of it is kept, so it
/// also bounds what one stalled direction costs.
const BUFFER_LEN: usize = 128 * 1024;
/// Bytes that all relays may keep before reads become small. It bounds the memory that many stalled
/// peers can take.
const MAX_KEPT: usize = 64 * 1024 * 1024;
/// Bytes of one read from then on.
const SMALL_READ: usize = 16 * 1024;
/// What the client gets when its upstream is connected.
const CONNECTED: &[u8] = b"4:connected\n";

/// What a gate relays to, and for how long it waits; set by the operator.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The service behind the gate.
    pub upstream: Upstream,
    /// How long connecting to it may take.
    pub connect_timeout: Duration,
    /// How long a relay without traffic lasts; zero for ever.
    pub idle_timeout: Duration,
}

/// A client that has paid, with what belongs to its connection.
#[derive(Debug)]
pub struct Paid<S = TcpStream> {
    /// The connection.
    pub socket: S,
    /// The address of the client.
    pub client: ClientAddr,
    /// What it has paid with.
    pub payment: Payment,
    /// Bytes behind its stamp, for the upstream.
    pub early: Box<[u8]>,
    /// Answers that it has not taken yet.
    pub unsent: Box<[u8]>,
}

/// All relays, open or connecting.
pub struct Relays {
    gate: Gate,
    table: Slab<Relay>,
    buffer: Box<[u8]>,
    /// Relays that have more to do without a new event, in turn.
    ready: VecDeque<usize>,
    /// Bytes that all relays keep.
    kept: usize,
}

struct Relay {
    client: ClientAddr,
    state: State,
    timer: TimerId,
    started: Moment,
    /// Bytes that this relay keeps.
    kept: usize,
    /// Whether it is in the queue of ready relays.
    is_queued: bool,
}

enum State {
    Dialing(Box<Dialing>),
    Open {
        pair: Pair,
        connected_after: Duration,
    },
    /// Its sockets were taken out.
    Over,
}

impl Relays {
    /// Creates an empty table.
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            table: Slab::new(),
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
        let is_open = |(_, relay): &(usize, &Relay)| matches!(relay.state, State::Open { .. });
        let open = self.table.iter().filter(is_open).count();
        [self.table.len() - open, open]
    }

    /// Returns whether relays have more to do without a new event. The loop must not sleep then.
    pub fn is_busy(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Begins the relay of a client that has paid.
    fn begin(&mut self, paid: Paid, connections: &mut Connections, shared: &mut Shared, now: Now) {
        let Paid {
            mut socket,
            client,
            payment,
            early,
            unsent,
        } = paid;
        let deadline = now.moment.after(self.gate.connect_timeout);
        let entry = self.table.vacant_entry();
        let key = entry.key();
        // A client that is not watched is found out when it is written to.
        let _ = watch_client(&mut socket, &shared.registry, key);
        let _ = keep_alive(&socket);
        entry.insert(Relay {
            client,
            state: State::Dialing(Box::new(Dialing::new(
                socket, early, unsent, payment, deadline,
            ))),
            timer: TimerId::NONE,
            started: now.moment,
            kept: 0,
            is_queued: false,
        });
        self.dial(key, connections, shared, now, |dialing, gate, registry| {
            dialing.dial(&gate.upstream, registry, key, now.moment)
        });
    }

    /// Handles an event of one side of a relay.
    pub fn on_event(
        &mut self,
        side: Side,
        key: usize,
        event: &Event,
        connections: &mut Connections,
        shared: &mut Shared,
        now: Now,
    ) {
        // An event of a relay that ended earlier in this turn is stale.
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        match (&mut relay.state, side) {
            (State::Dialing(dialing), Side::Client) => {
                dialing.is_client_closing |= event.is_read_closed() || event.is_priority();
                if event.is_error() && has_error(&dialing.client) {
                    self.end(key, Ending::ClientReset, shared, now);
                }
            }
            (State::Dialing(_), Side::Upstream) => {
                self.dial(key, connections, shared, now, |dialing, gate, registry| {
                    dialing.on_event(&gate.upstream, registry, key, now.moment)
                });
            }
            (State::Over, _) => {}
            (State::Open { pair, .. }, side) => match pair.on_event(side, event) {
                Some(ending) => self.end(key, ending, shared, now),
                None => self.pump(key, shared, now),
            },
        }
    }

    /// Handles the deadline of a relay: of connecting, or of being idle.
    pub fn on_deadline(
        &mut self,
        key: usize,
        connections: &mut Connections,
        shared: &mut Shared,
        now: Now,
    ) {
        let idle_timeout = self.gate.idle_timeout;
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        match &relay.state {
            State::Dialing(_) => {
                self.dial(key, connections, shared, now, |dialing, gate, registry| {
                    dialing.on_wake(&gate.upstream, registry, key, now.moment)
                });
            }
            State::Open { pair, .. } => {
                let due = pair.last_active.after(idle_timeout);
                if now.moment >= due {
                    self.end(key, Ending::Idle, shared, now);
                } else {
                    relay.timer = arm(key, due, shared);
                }
            }
            State::Over => {}
        }
    }

    /// Begins the relays of the clients that have paid in this turn, and continues those that had more to do
    /// than the budget of a turn.
    pub fn take_turn(&mut self, connections: &mut Connections, shared: &mut Shared, now: Now) {
        for paid in connections.take_paid() {
            self.begin(paid, connections, shared, now);
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
    pub fn shut_down(&mut self, connections: &mut Connections, shared: &mut Shared, now: Now) {
        let keys: Vec<usize> = self.table.iter().map(|(key, _)| key).collect();
        for key in keys {
            let is_dialing = self
                .table
                .get(key)
                .is_some_and(|relay| matches!(relay.state, State::Dialing(_)));
            if is_dialing {
                self.give_back(
                    key,
                    Ending::Shutdown,
                    Refusal::ShuttingDown,
                    connections,
                    shared,
                    now,
                );
            } else {
                self.end(key, Ending::Shutdown, shared, now);
            }
        }
    }

    /// Lets a client that waits for its upstream make progress by `act`.
    fn dial(
        &mut self,
        key: usize,
        connections: &mut Connections,
        shared: &mut Shared,
        now: Now,
        act: impl FnOnce(&mut Dialing, &Gate, &Registry) -> Dialed,
    ) {
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        let State::Dialing(dialing) = &mut relay.state else {
            return;
        };
        let dialed = act(dialing, &self.gate, &shared.registry);
        shared.timers.cancel(relay.timer);
        match dialed {
            Dialed::Waiting => relay.timer = arm(key, dialing.wake, shared),
            Dialed::Connected(upstream) => self.open(key, upstream, shared, now),
            Dialed::Failed(ending) => {
                let why = Refusal::ServiceUnavailable;
                self.give_back(key, ending, why, connections, shared, now);
            }
        }
    }

    fn open(&mut self, key: usize, upstream: UpstreamSocket, shared: &mut Shared, now: Now) {
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        let State::Dialing(dialing) = std::mem::replace(&mut relay.state, State::Over) else {
            return;
        };
        upstream.set_options();
        let connected_after = now.moment.since(relay.started);
        shared.metrics.relays.connected(connected_after);
        shared.upstream_health.on_connected();
        let to_client = [&dialing.unsent, CONNECTED].concat().into();
        let Dialing {
            client,
            early,
            is_client_closing,
            ..
        } = *dialing;
        let mut pair = Pair::new(client, upstream, to_client, early, now.moment);
        if is_client_closing {
            pair.on_client_closing();
        }
        relay.state = State::Open {
            pair,
            connected_after,
        };
        if !self.gate.idle_timeout.is_zero() {
            relay.timer = arm(key, now.moment.after(self.gate.idle_timeout), shared);
        }
        self.pump(key, shared, now);
    }

    /// Moves bytes of an open relay, within its budget.
    fn pump(&mut self, key: usize, shared: &mut Shared, now: Now) {
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        let State::Open { pair, .. } = &mut relay.state else {
            return;
        };
        let len = if self.kept > MAX_KEPT {
            SMALL_READ
        } else {
            BUFFER_LEN
        };
        let [up, down] = pair.relayed();
        let ending = pair.pump(&mut self.buffer[..len], now.moment);
        let [up_now, down_now] = pair.relayed();
        shared.metrics.relays.carried(up_now - up, down_now - down);
        self.kept = self.kept + pair.kept() - relay.kept;
        relay.kept = pair.kept();
        match ending {
            Some(ending) => self.end(key, ending, shared, now),
            None if pair.can_continue() && !relay.is_queued => {
                relay.is_queued = true;
                self.ready.push_back(key);
            }
            None => {}
        }
    }

    /// Ends a relay. Unless both streams have ended in order, both sides are reset.
    fn end(&mut self, key: usize, ending: Ending, shared: &mut Shared, now: Now) {
        let Some(relay) = self.table.try_remove(key) else {
            return;
        };
        if !matches!(ending, Ending::ClientClosed | Ending::UpstreamClosed) {
            match &relay.state {
                State::Dialing(dialing) => reset_on_close(&dialing.client),
                State::Open { pair, .. } => pair.reset(),
                State::Over => {}
            }
        }
        self.account(&relay, ending, shared, now);
    }

    /// Returns a client whose upstream could not be connected to the table of connections, which tells it
    /// `why` and closes. What it has paid with is good again.
    fn give_back(
        &mut self,
        key: usize,
        ending: Ending,
        why: Refusal,
        connections: &mut Connections,
        shared: &mut Shared,
        now: Now,
    ) {
        let Some(mut relay) = self.table.try_remove(key) else {
            return;
        };
        self.account(&relay, ending, shared, now);
        let State::Dialing(dialing) = std::mem::replace(&mut relay.state, State::Over) else {
            return;
        };
        shared.mint.unspend(&dialing.payment);
        let returned = Returned {
            socket: dialing.client,
            client: relay.client,
            unsent: dialing.unsent,
            why,
        };
        connections.take_back(returned, shared, now);
    }

    /// Counts and logs the end of a relay.
    fn account(&mut self, relay: &Relay, ending: Ending, shared: &mut Shared, now: Now) {
        shared.timers.cancel(relay.timer);
        self.kept -= relay.kept;
        let source = Source::from(relay.client.ip());
        if let Some(limits) = &mut shared.relay_limits {
            limits.leave(source);
        }
        let duration = now.moment.since(relay.started);
        let ([to_upstream, to_client], connected_after) = match &relay.state {
            State::Open {
                pair,
                connected_after,
            } => (pair.relayed(), Some(*connected_after)),
            State::Dialing(_) | State::Over => ([0, 0], None),
        };
        if matches!(ending, Ending::UpstreamRefused | Ending::UpstreamTimedOut) {
            shared.upstream_health.on_failed(now.moment);
        }
        shared.metrics.relays.ended(ending, duration);
        let report = RelayReport {
            client: relay.client,
            upstream: &self.gate.upstream,
            to_upstream,
            to_client,
            duration,
            connected_after,
            ending,
        };
        report.log(&mut shared.log, now);
    }
}

fn arm(key: usize, deadline: Moment, shared: &mut Shared) -> TimerId {
    let timer = Timer::Relay(key as u32);
    shared.timers.arm(deadline.due_tick(), timer)
}

/// Has the poll report events of a client under the token of its relay. They are edge-triggered: a socket that
/// stays writable causes none.
fn watch_client(socket: &mut TcpStream, registry: &Registry, key: usize) -> std::io::Result<()> {
    let interest = INPUT | Interest::WRITABLE;
    registry.reregister(socket, Token::Relay(Side::Client, key).into(), interest)
}
