//! The descriptors of the process: how many the server needs, and what to cut where the system allows
//! fewer. Eviction then always comes before exhaustion, so that one source cannot shut out the others.

use std::fs::File;

use powtcp_common::log_line::{Level, Value};
use rlimit::{Resource, increase_nofile_limit};

use crate::net::intake::MAX_WAITING;
use crate::net::token::MAX_VISITS;
use crate::telemetry::log::Log;
use crate::time::Now;

/// Descriptors for everything but connections, newcomers and visits: standard streams, polls, listening
/// sockets, signals, files that stay open, and some that the process may have inherited.
const OTHERS: u64 = 24;
/// The part of the available descriptors that the newcomers' queue gets at most, where the server has
/// to cut: a connection in the table matters more than one that waits for admission.
const QUEUE_PART: u64 = 8;

/// Descriptors that the kernel's table is grown to at start at most. It bounds the time that takes, to about
/// 50 ms; a larger table grows rarely.
const MAX_GROWN: u64 = 1 << 17;

/// How the descriptors are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorPlan {
    /// Descriptors that the configured table needs.
    pub wanted: u64,
    /// Descriptors that the system allows.
    pub allowed: u64,
    /// Connections held at once.
    pub connections: usize,
    /// Relays held at once, of two descriptors each.
    pub relays: usize,
    /// Newcomers that wait for admission.
    pub waiting: usize,
}

impl DescriptorPlan {
    /// Raises the soft limit as far as `connections` need it and the hard limit allows. `open` is the
    /// number of descriptors that are open already.
    pub fn make(connections: usize, relays: usize, open: u64) -> Self {
        let others = others(open);
        let wanted = needed(connections, relays) + MAX_WAITING as u64 + others;
        let allowed = increase_nofile_limit(wanted)
            .or_else(|_| Resource::NOFILE.get_soft())
            // Without a limit that can be read, exhaustion is found out when it happens.
            .unwrap_or(wanted);
        Self::share(connections, relays, others, allowed)
    }

    /// Grows the kernel's table of descriptors to the size that the server can need. It must be called
    /// before the process has a second thread: later the kernel lets each growth wait for an RCU grace
    /// period, which stops the event loop for 10 to 35 ms.
    pub fn grow_kernel_table(&self) {
        let Ok(first) = File::open("/dev/null") else {
            return;
        };
        let count = self.wanted.min(self.allowed).min(MAX_GROWN);
        // The table has the size of its highest descriptor, and keeps it when that is closed.
        let others = (0..count).map_while(|_| first.try_clone().ok());
        drop(others.collect::<Vec<_>>());
    }

    /// Returns whether the configured table does not fit.
    pub fn is_cut(&self) -> bool {
        self.allowed < self.wanted
    }

    /// Logs a warning with the numbers if the configured table does not fit.
    pub fn warn_if_cut(&self, log: &mut Log, now: Now) {
        if self.is_cut() {
            let fields = [
                ("wanted", Value::Number(self.wanted)),
                ("allowed", Value::Number(self.allowed)),
                ("connections", Value::Number(self.connections as u64)),
                ("relays", Value::Number(self.relays as u64)),
                ("waiting", Value::Number(self.waiting as u64)),
            ];
            log.line(now, Level::Warn, "too few descriptors", &fields);
        }
    }

    /// Shares `allowed` descriptors. Each part that is wanted gets at least one place; connections and relays
    /// are cut in proportion.
    fn share(connections: usize, relays: usize, others: u64, allowed: u64) -> Self {
        let wanted = needed(connections, relays) + MAX_WAITING as u64 + others;
        let available = allowed.saturating_sub(others);
        let mut waiting = MAX_WAITING as u64;
        if allowed < wanted {
            waiting = waiting.min(available / QUEUE_PART).max(1);
        }
        let kept = available.saturating_sub(waiting);
        let cut = |count: usize| {
            let share = u128::from(kept) * count as u128 / u128::from(needed(connections, relays));
            count.min(usize::try_from(share).unwrap_or(usize::MAX).max(1))
        };
        Self {
            wanted,
            allowed,
            connections: cut(connections),
            relays: cut(relays),
            waiting: waiting as usize,
        }
    }
}

/// Returns the descriptors that the tables of connections and relays need.
fn needed(connections: usize, relays: usize) -> u64 {
    (connections + 2 * relays) as u64
}

/// Returns the number of descriptors that are not for connections, of which `open` are open already. A
/// process may have inherited more than [`OTHERS`].
fn others(open: u64) -> u64 {
    // One visit beyond the limit is accepted before the oldest is ended.
    OTHERS.max(open + 4) + MAX_VISITS as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_never_exceed_what_is_allowed() {
        let tables = [1, 2, 100, 10_000, 1_000_000]
            .into_iter()
            .flat_map(|connections| [0, 1, 100, 10_000].map(|relays| (connections, relays)));
        for (connections, relays) in tables {
            for allowed in (64..20_000).step_by(7).chain([1 << 20, u64::MAX]) {
                let plan = DescriptorPlan::share(connections, relays, others(12), allowed);
                let used = needed(plan.connections, plan.relays) + plan.waiting as u64 + others(12);
                // Where all that is wanted of one kind is one place, it is not cut.
                assert!(used <= allowed.saturating_add(2), "{plan:?}");
                assert!(plan.connections >= 1 && plan.waiting >= 1, "{plan:?}");
                if plan.is_cut() {
                    let available = allowed - others(12);
                    assert!(plan.waiting as u64 <= (available / 8).max(1), "{plan:?}");
                    let rest = available - plan.waiting as u64;
                    // Rounding loses less than one place of each kind.
                    let parts = needed(plan.connections, plan.relays);
                    assert!(
                        parts + 3 > rest.min(needed(connections, relays)),
                        "{plan:?}"
                    );
                } else {
                    assert_eq!((plan.connections, plan.relays), (connections, relays));
                    assert_eq!(plan.waiting, MAX_WAITING, "{plan:?}");
                }
            }
        }
    }

    #[test]
    fn a_limit_below_the_least_keeps_one_connection() {
        let plan = DescriptorPlan::share(10_000, 10_000, others(12), 20);
        assert_eq!((plan.connections, plan.relays, plan.waiting), (1, 1, 1));
    }

    #[test]
    fn inherited_descriptors_count() {
        assert_eq!(others(12), others(0));
        assert_eq!(others(1_000) - others(0), 1_004 - OTHERS);
    }
}
