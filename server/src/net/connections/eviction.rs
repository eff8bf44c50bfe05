//! Making room in a full table.

use powtcp_common::refusal::Refusal;

use super::Connections;
use crate::admission::{Admission, Source, Standing};
use crate::net::connection::Readiness;
use crate::net::io::Socket;
use crate::net::shared::Shared;
use crate::telemetry::metrics::Outcome;
use crate::time::Now;

/// Connections that are considered for eviction to make room for one newcomer. Each is read first, and
/// what it has sent may show that another one should be evicted.
const EVICTION_ATTEMPTS: u32 = 4;

impl<S: Socket> Connections<S> {
    /// Makes sure that there is a free slot for a newcomer from `source`, by evictions if the table is full.
    /// Returns whether there is one.
    pub(super) fn make_room(&mut self, source: Source, shared: &mut Shared, now: Now) -> bool {
        let relays = shared.relays_of(source);
        for attempt in 1..=EVICTION_ATTEMPTS {
            match self.limits.admission(source, relays) {
                Admission::Admit => return true,
                Admission::TurnAway => return false,
                Admission::Evict(key) => {
                    let is_last = attempt == EVICTION_ATTEMPTS;
                    self.evict(key, is_last, shared, now);
                }
            }
        }
        self.limits.admission(source, relays) == Admission::Admit
    }

    /// Evicts a connection, unless reading it first shows that another one should be evicted: it has paid,
    /// or it has made progress and this is not the last attempt. Reading also leaves no bytes that would
    /// make closing trigger an RST, which aborts delivery of the last answer.
    fn evict(&mut self, key: usize, is_last: bool, shared: &mut Shared, now: Now) {
        let before = self.limits.position(key);
        if before.is_some_and(|(_, standing)| standing != Standing::Lingering) {
            self.on_ready(key, Readiness::UNANNOUNCED, shared, now);
        }
        let after = self.limits.position(key);
        let Some(((_, standing), connection)) = after.zip(self.table.get_mut(key)) else {
            return;
        };
        let has_advanced = before != after && !is_last;
        let outcome = match (standing, connection.session.end()) {
            (Standing::Delivering, _) => return,
            _ if has_advanced => return,
            (_, Some(end)) => end.into(),
            (_, None) => {
                let busy = connection.session.refuse(Refusal::ServerBusy, now.moment);
                if let Some(reply) = busy {
                    // It is removed in any case, so an error of its socket changes nothing.
                    let _ = connection.answer(&reply, shared, now);
                }
                Outcome::Evicted
            }
        };
        shared.metrics.evicted(standing);
        self.remove(key, outcome, shared, now);
    }
}
