//! The steps of one relay in the table, each with what belongs to it: timer, limits, counts, log and memory.

use mio::{Interest, Registry};
use powtcp_common::refusal::Refusal;

use super::Entrant;
use super::dialing::{Dialed, Dialer, Dialing};
use super::ending::Ending;
use super::life::Relay;
use super::network::{Dial, RelaySocket};
use super::pair::Side;
use super::table::{BUFFER_LEN, Relays};
use crate::admission::Fare;
use crate::net::connections::Connections;
use crate::net::io::INPUT;
use crate::net::shared::{Shared, Timer};
use crate::net::token::Token;
use crate::time::{Moment, Now, TimerId};

/// Bytes that all relays may keep before reads become small. It bounds the memory that many stalled
/// peers can take.
const MAX_KEPT: usize = 64 * 1024 * 1024;
/// Bytes of one read from then on.
const SMALL_READ: usize = 16 * 1024;

impl<S: RelaySocket, U: Dial> Relays<S, U> {
    /// Begins the relay of a client.
    pub(super) fn begin(
        &mut self,
        mut entrant: Entrant<S>,
        connections: &mut Connections<S>,
        shared: &mut Shared,
        now: Now,
    ) {
        let entry = self.table.vacant_entry();
        let key = entry.key();
        // A client that is not watched is found out when it is written to.
        let _ = watch_client(&mut entrant.socket, &shared.registry, key);
        entrant.socket.set_options();
        let deadline = now.moment.after(self.gate.connect_timeout);
        entry.insert(Relay::new(entrant, deadline, now.moment));
        self.dial(key, connections, shared, now, Dialing::dial);
    }

    /// Lets a client that waits for its upstream make progress by `act`.
    pub(super) fn dial(
        &mut self,
        key: usize,
        connections: &mut Connections<S>,
        shared: &mut Shared,
        now: Now,
        act: impl FnOnce(&mut Dialing<S, U::Socket>, &Dialer<'_, U>) -> Dialed<U::Socket>,
    ) {
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        let dialer = Dialer {
            upstream: &self.gate.upstream,
            registry: &shared.registry,
            key,
            now: now.moment,
        };
        match relay.dial(&dialer, act) {
            Dialed::Waiting => {
                let wake = relay.wake(self.gate.idle_timeout);
                self.arm(key, wake, shared);
            }
            Dialed::Connected(upstream) => {
                count_payment(relay, shared, now);
                let connected_after = relay.open(upstream, self.gate.send_proxy, now.moment);
                shared.metrics.relays.connected(connected_after);
                shared.upstream_health.on_connected();
                let wake = relay.wake(self.gate.idle_timeout);
                self.arm(key, wake, shared);
                self.pump(key, shared, now);
            }
            Dialed::Reset => {
                relay.tell_connected();
                self.end(key, Ending::UpstreamReset, shared, now);
            }
            Dialed::Failed(ending) => {
                let why = Refusal::ServiceUnavailable;
                self.give_back(key, ending, why, connections, shared, now);
            }
        }
    }

    /// Moves bytes of an open relay, within its budget.
    pub(super) fn pump(&mut self, key: usize, shared: &mut Shared, now: Now) {
        let len = if self.kept > MAX_KEPT {
            SMALL_READ
        } else {
            BUFFER_LEN
        };
        let Some(relay) = self.table.get_mut(key) else {
            return;
        };
        let Some(pumped) = relay.pump(&mut self.buffer[..len], now.moment) else {
            return;
        };
        let [up, down] = pumped.carried;
        shared.metrics.relays.carried(up, down);
        self.kept = self.kept + pumped.kept - relay.kept;
        relay.kept = pumped.kept;
        if let Some(ending) = pumped.ending {
            return self.end(key, ending, shared, now);
        }
        if pumped.can_continue && !relay.is_queued {
            relay.is_queued = true;
            self.ready.push_back(key);
        }
        if pumped.has_new_deadline {
            let wake = relay.wake(self.gate.idle_timeout);
            self.arm(key, wake, shared);
        }
    }

    /// Ends a relay. Unless both streams have ended in order, both sides are reset.
    pub(super) fn end(&mut self, key: usize, ending: Ending, shared: &mut Shared, now: Now) {
        if let Some(relay) = self.remove(key, ending, shared, now) {
            count_payment(&relay, shared, now);
            relay.prepare_to_close(ending);
        }
    }

    /// Returns a client whose upstream could not be connected to the table of connections, which tells it
    /// `why` and closes. What it has paid with is good again. An exempt client would not understand, so it is
    /// reset.
    pub(super) fn give_back(
        &mut self,
        key: usize,
        ending: Ending,
        why: Refusal,
        connections: &mut Connections<S>,
        shared: &mut Shared,
        now: Now,
    ) {
        let fare = self.table.get(key).map(|relay| relay.fare);
        if fare == Some(Fare::Exempt) {
            return self.end(key, ending, shared, now);
        }
        let relay = self.remove(key, ending, shared, now);
        if let Some((returned, payment)) = relay.and_then(|relay| relay.into_returned(why)) {
            shared.mint.unspend(&payment);
            connections.take_back(returned, shared, now);
        }
    }

    /// Takes a relay out of the table, and counts and logs its end.
    fn remove(
        &mut self,
        key: usize,
        ending: Ending,
        shared: &mut Shared,
        now: Now,
    ) -> Option<Relay<S, U::Socket>> {
        let relay = self.table.try_remove(key)?;
        shared.timers.cancel(relay.timer);
        self.kept -= relay.kept;
        if let Some(limits) = &mut shared.relay_limits {
            limits.leave(relay.client.ip().into(), relay.fare);
        }
        let report = relay.report(&self.gate, ending, now.moment);
        if ending.is_failure_of_upstream() {
            shared.upstream_health.on_failed(now.moment);
        }
        shared.metrics.relays.ended(ending, report.duration);
        report.log(&mut shared.log, now);
        Some(relay)
    }

    /// Has the loop look at a relay at `wake`, or never.
    pub(super) fn arm(&mut self, key: usize, wake: Option<Moment>, shared: &mut Shared) {
        if let Some(relay) = self.table.get_mut(key) {
            shared.timers.cancel(relay.timer);
            let timer = Timer::Relay(key as u32);
            relay.timer = wake.map_or(TimerId::NONE, |wake| {
                shared.timers.arm(wake.due_tick(), timer)
            });
        }
    }
}

/// Counts the payment of a client whose upstream is connected, or that leaves before: it is not good again.
fn count_payment<S: RelaySocket, C: RelaySocket>(
    relay: &Relay<S, C>,
    shared: &mut Shared,
    now: Now,
) {
    if let Some(payment) = relay.payment() {
        shared.on_paid(&payment, relay.client, now.moment);
    }
}

/// Has the poll report events of a client under the token of its relay. They are edge-triggered: a socket that
/// stays writable causes none. An exempt client may be new to the poll.
fn watch_client(
    socket: &mut impl RelaySocket,
    registry: &Registry,
    key: usize,
) -> std::io::Result<()> {
    let interest = INPUT | Interest::WRITABLE;
    let token = Token::Relay(Side::Client, key).into();
    registry
        .reregister(socket, token, interest)
        .or_else(|_| registry.register(socket, token, interest))
}
