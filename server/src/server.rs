//! The event loop: one thread sleeps until a socket is ready, a signal arrives or a deadline passes, and
//! handles what is due, within a budget for each turn.

mod bind;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use libc::{SIGHUP, SIGINT};
use mio::event::Event;
use mio::{Events, Poll};
use powtcp_common::log_line::{Level, Value};
use signal_hook_mio::v1_0::Signals;

use crate::config::StartReport;
use crate::descriptors::DescriptorPlan;
use crate::housekeeping::Housekeeping;
use crate::metrics_page::{GaugeSources, MetricsPage};
use crate::net::clock::Clock;
use crate::net::connection::Readiness;
use crate::net::connections::Connections;
use crate::net::intake::Intake;
use crate::net::shared::{Shared, Timer};
use crate::net::token::Token;
use crate::relay::Relays;
use crate::time::{Moment, Now};

/// Events handled in one turn. It stops a burst of events from making one turn long: during a turn no
/// connection leaves the backlog.
const EVENTS_PER_TURN: usize = 256;
/// Deadlines handled in one turn. It stops a burst of connections, whose deadlines pass together, from
/// delaying the clients that have solved their puzzles.
const EXPIRIES_PER_TURN: usize = 64;

/// A server that listens.
pub struct Server {
    poll: Poll,
    signals: Signals,
    clock: Clock,
    housekeeping: Housekeeping,
    shared: Shared,
    /// Shut from the first signal on.
    intake: Intake,
    connections: Connections,
    /// In a gate, the clients that have paid.
    relays: Option<Relays>,
    metrics_page: Option<MetricsPage>,
    shutdown_timeout: Duration,
    descriptors: DescriptorPlan,
    /// What to log once the server runs.
    start_report: Option<StartReport>,
}

impl Server {
    /// Returns the first address it listens on, or `None` during a shutdown.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.intake.local_addrs().first().copied()
    }

    /// Returns the address of the metrics page, or `None` without one.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_page.as_ref()?.local_addr().ok()
    }

    /// Serves until a signal ends it.
    ///
    /// # Errors
    /// The poll or a listening socket failed. No peer can cause that.
    pub fn run(mut self) -> io::Result<()> {
        let result = self.serve();
        self.shared.log.finish();
        result
    }

    fn serve(&mut self) -> io::Result<()> {
        self.log_start();
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        loop {
            match self.poll.poll(&mut events, self.time_to_sleep()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            let now = self.clock.now();
            if self.turn(&events, now)?.is_break() {
                break;
            }
            self.housekeeping
                .after_turn(&self.clock, &mut self.shared, now);
            let worked = self.clock.moment().since(now.moment);
            self.shared.metrics.turns.observe(worked);
        }
        let now = self.clock.now();
        self.shared.log.report_suppressed(now);
        self.shared.log.line(now, Level::Info, "stopped", &[]);
        Ok(())
    }

    /// Runs one turn: events, then deadlines, then newcomers.
    fn turn(&mut self, events: &Events, now: Now) -> io::Result<ControlFlow<()>> {
        self.shared.begin_turn();
        let mut signalled = false;
        for event in events {
            match event.token().into() {
                Token::Signals => signalled = true,
                token => self.dispatch(token, event, now),
            }
        }
        if signalled && self.on_signals(now).is_break() || self.expire(now).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let Self {
            shared,
            intake,
            connections,
            relays,
            metrics_page,
            ..
        } = self;
        if let Some(page) = metrics_page {
            page.accept(shared, now)?;
        }
        intake.take_in(connections, shared, now)?;
        if let Some(relays) = relays {
            relays.take_turn(connections, shared, now);
        }
        let has_relays = relays.as_ref().is_some_and(|relays| !relays.is_empty());
        if intake.is_shut() && connections.is_empty() && !has_relays {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn dispatch(&mut self, token: Token, event: &Event, now: Now) {
        let Self {
            shared,
            intake,
            connections,
            relays,
            metrics_page,
            clock,
            ..
        } = self;
        match (token, metrics_page) {
            (Token::Relay(side, key), _) => {
                if let Some(relays) = relays {
                    relays.on_event(side, key, event.into(), connections, shared, now);
                }
            }
            (Token::Listener(index), _) => intake.wake(index),
            (Token::Connection(key), _) => {
                let readiness = Readiness {
                    read_closed: event.is_read_closed(),
                    urgent: event.is_priority(),
                    unannounced: false,
                };
                connections.on_ready(key, readiness, shared, now);
            }
            (Token::MetricsListener, Some(page)) => page.wake(),
            (Token::Visit(slot), Some(page)) => {
                let sources = GaugeSources {
                    intake,
                    connections,
                    relays: relays.as_ref(),
                    clock,
                    now,
                };
                page.on_ready(slot, shared, &sources);
            }
            (Token::Signals | Token::MetricsListener | Token::Visit(_), _) => {}
        }
    }

    fn time_to_sleep(&self) -> Option<Duration> {
        let has_busy_relays = self.relays.as_ref().is_some_and(Relays::is_busy);
        if self.intake.waiting() > 0 || has_busy_relays {
            return Some(Duration::ZERO);
        }
        let tick = self.shared.timers.next_tick()?;
        Some(Moment::at_tick(tick).since(self.clock.moment()))
    }

    /// Handles the pending signals: the first SIGINT or SIGTERM begins a shutdown, a second one ends the
    /// server at once.
    fn on_signals(&mut self, now: Now) -> ControlFlow<()> {
        for signal in self.signals.pending() {
            match signal {
                SIGHUP => {
                    let fields = [("signal", Value::Text("SIGHUP"))];
                    let log = &mut self.shared.log;
                    log.line(now, Level::Warn, "reloading is not supported", &fields);
                }
                _ if self.intake.is_shut() => return ControlFlow::Break(()),
                SIGINT => self.begin_shutdown("SIGINT", now),
                _ => self.begin_shutdown("SIGTERM", now),
            }
        }
        ControlFlow::Continue(())
    }

    /// Stops accepting, and gives clients that hold a puzzle some time.
    fn begin_shutdown(&mut self, signal: &str, now: Now) {
        let Self {
            shared,
            intake,
            connections,
            ..
        } = self;
        // Before the log line, after which a connection is refused by the kernel.
        intake.shut(connections, shared, now);
        let fields = [
            ("signal", Value::Text(signal)),
            ("connections", Value::Number(connections.len() as u64)),
        ];
        shared.log.line(now, Level::Info, "shutting down", &fields);
        let due = now.moment.after(self.shutdown_timeout).due_tick();
        shared.timers.arm(due, Timer::Shutdown);
        connections.begin_shutdown(shared, now);
    }

    /// Handles deadlines that have passed.
    fn expire(&mut self, now: Now) -> ControlFlow<()> {
        let shared = &mut self.shared;
        for _ in 0..EXPIRIES_PER_TURN {
            match shared.timers.pop(now.moment.tick()) {
                None => {
                    shared.mint.on_deadlines_acted(now.moment.last_acted());
                    break;
                }
                Some(Timer::Connection(key)) => {
                    self.connections.on_deadline(key as usize, shared, now);
                }
                Some(Timer::Relay(key)) => {
                    if let Some(relays) = &mut self.relays {
                        relays.on_deadline(key as usize, &mut self.connections, shared, now);
                    }
                }
                Some(Timer::Visit(slot)) => {
                    if let Some(page) = &mut self.metrics_page {
                        page.on_deadline(slot as usize, shared);
                    }
                }
                Some(Timer::AcceptRetry) => self.intake.on_retry(),
                Some(Timer::VisitRetry) => {
                    if let Some(page) = &mut self.metrics_page {
                        page.on_retry();
                    }
                }
                Some(Timer::LogReport) => self.housekeeping.report_suppressed(shared, now),
                Some(Timer::DropReport) => self.housekeeping.report_dropped(shared, now),
                Some(Timer::Shutdown) => {
                    self.connections.end_shutdown(shared, now);
                    if let Some(relays) = &mut self.relays {
                        relays.shut_down(&mut self.connections, shared, now);
                    }
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn log_start(&mut self) {
        let now = self.clock.now();
        self.descriptors.warn_if_cut(&mut self.shared.log, now);
        let (addresses, metrics) = (self.intake.local_addrs(), self.metrics_addr());
        if let Some(report) = self.start_report.take() {
            report.log(&addresses, metrics, &mut self.shared.log, now);
        }
    }
}
