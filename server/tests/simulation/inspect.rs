//! What the simulation does with the table under test and asks of it, beyond what other tests do. With
//! `support/subject.rs` this is the only file of the simulation that knows the server's own types.

use std::time::Duration;

use powtcp_server::net::shared::Timer;
pub(crate) use powtcp_server::telemetry::metrics::Outcome;
use powtcp_server::time::Moment;

use crate::support::fairness::{Bounds, Source, Standing};
use crate::support::subject::{Subject, at};

/// All ways in which a connection may end.
pub(crate) const OUTCOMES: [Outcome; 6] = [
    Outcome::Served,
    Outcome::Refused,
    Outcome::Left,
    Outcome::Broken,
    Outcome::Evicted,
    Outcome::TurnedAway,
];

/// What can be seen of an open connection from outside.
pub(crate) struct Seen {
    pub(crate) key: usize,
    /// Bytes of answers that wait in the server.
    pub(crate) unsent: usize,
    /// Whether its timer waits for the deadline of its session.
    pub(crate) is_timed: bool,
    /// When the wheel lets the loop act on the deadline.
    pub(crate) due: Option<u64>,
}

impl Subject {
    /// Returns the key of a connection whose deadline has passed, and forgets the deadline.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<usize> {
        match self.shared.timers.pop(Moment::new(now).tick())? {
            Timer::Connection(key) => Some(key as usize),
            other => panic!("{other:?} is armed outside the table"),
        }
    }

    /// Tells a connection that its deadline has passed.
    pub(crate) fn on_deadline(&mut self, key: usize, now: Duration) {
        self.connections.on_deadline(key, &mut self.shared, at(now));
    }

    /// Begins a shutdown: clients that hold a puzzle may finish.
    pub(crate) fn begin_shutdown(&mut self, now: Duration) {
        self.connections.begin_shutdown(&mut self.shared, at(now));
    }

    /// Ends a shutdown: no client may finish any more.
    pub(crate) fn end_shutdown(&mut self, now: Duration) {
        self.connections.end_shutdown(&mut self.shared, at(now));
    }

    /// Returns the time until which the event loop may sleep; `None` for ever.
    pub(crate) fn wake_time(&self) -> Option<Duration> {
        let tick = self.shared.timers.next_tick()?;
        Some(Moment::at_tick(tick).since(Moment::START))
    }

    /// Returns the next tick of the timer wheel.
    pub(crate) fn next_tick(&self) -> Option<u64> {
        self.shared.timers.next_tick()
    }

    /// Returns how many timers wait.
    pub(crate) fn timers(&self) -> usize {
        self.shared.timers.waiting()
    }

    /// Returns how many connections are open.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Returns every open connection.
    pub(crate) fn seen(&self) -> impl Iterator<Item = Seen> {
        self.connections.iter().map(|(key, connection)| {
            let due = self.shared.timers.due(connection.timer);
            Seen {
                key,
                unsent: connection.unsent(),
                is_timed: due == Some(connection.session.deadline().due_tick()),
                due,
            }
        })
    }

    /// Returns whether the client of a connection holds a puzzle whose deadline is after `now`.
    pub(crate) fn may_pay_at(&self, key: usize, now: Duration) -> bool {
        let mut open = self.connections.iter();
        let connection = open.find(|&(open, _)| open == key);
        connection.is_some_and(|(_, connection)| {
            let session = &connection.session;
            session.holds_puzzle() && Moment::new(now) < session.deadline()
        })
    }

    /// Returns the limits of the table.
    pub(crate) fn bounds(&self) -> Bounds {
        self.connections.limits.bounds()
    }

    /// Returns how many connections admission counts with `standing`.
    pub(crate) fn count(&self, standing: Standing) -> usize {
        self.connections.limits.count(standing)
    }

    /// Returns how many connections admission counts for `source`.
    pub(crate) fn held_by(&self, source: Source) -> u32 {
        self.connections.limits.held_by(source)
    }

    /// Returns how many connections the metrics count, by how they ended.
    pub(crate) fn outcomes(&self) -> [u64; OUTCOMES.len()] {
        let metrics = &self.shared.metrics;
        OUTCOMES.map(|outcome| metrics.outcomes(outcome))
    }

    /// Returns how many connections the metrics count as accepted, and as ended in any way.
    pub(crate) fn accepted_and_ended(&self) -> (u64, u64) {
        let metrics = &self.shared.metrics;
        (metrics.accepted, metrics.ended())
    }
}
