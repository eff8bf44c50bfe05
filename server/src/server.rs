//! The event loop: one thread sleeps until a socket is ready, a signal arrives or a deadline passes, and
//! handles what is due, within a budget for each turn.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use libc::{SIGINT, SIGTERM};
use mio::event::Event;
use mio::{Events, Interest, Poll};
use powtcp_common::log_line::{Level, Value};
use signal_hook_mio::v1_0::Signals;

use crate::admission::Standing;
use crate::config::{Config, Listen, StartReport};
use crate::metrics_page::MetricsPage;
use crate::net::acceptors::{Acceptors, listen_error};
use crate::net::clock::Clock;
use crate::net::connection::Readiness;
use crate::net::connections::Connections;
use crate::net::intake::Intake;
use crate::net::shared::{Shared, Timer};
use crate::net::token::Token;
use crate::telemetry::log::Log;
use crate::telemetry::metrics::Gauges;
use crate::telemetry::process::ProcessUsage;
use crate::time::{Moment, Now, TimerId};

/// Events handled in one turn. It keeps turns short: during a turn no connection leaves the backlog.
const EVENTS_PER_TURN: usize = 256;
/// Deadlines handled in one turn. It stops a burst of connections, whose deadlines pass together, from
/// delaying the clients that have solved their puzzles.
const EXPIRIES_PER_TURN: usize = 64;

/// A server that listens.
pub struct Server {
    poll: Poll,
    signals: Signals,
    clock: Clock,
    /// The wall clock at the start, since the Unix epoch.
    start: Duration,
    shared: Shared,
    /// Shut from the first signal on.
    intake: Intake,
    connections: Connections,
    metrics_page: Option<MetricsPage>,
    shutdown_timeout: Duration,
    /// What to log once the server runs.
    start_report: Option<StartReport>,
    /// The timer of [`Timer::LogReport`], while it is armed.
    log_report: Option<TimerId>,
}

impl Server {
    /// Opens the listening sockets and catches SIGINT and SIGTERM.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use, with the address; or a name that
    /// cannot be resolved.
    pub fn bind(config: Config) -> io::Result<Self> {
        let clock = Clock::start();
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let mut start_report = StartReport::new(&config);
        let (acceptors, absent) = Acceptors::bind(&config.listen.resolve()?, &registry)?;
        start_report.absent = absent;
        let bind_page = |listen: Listen| {
            let [address, ..] = listen.resolve()?[..] else {
                return Err(io::Error::other("no address for metrics"));
            };
            MetricsPage::bind(address, &registry).map_err(|error| listen_error(address, &error))
        };
        let metrics_page = config.metrics.map(bind_page).transpose()?;
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        registry.register(&mut signals, Token::Signals.into(), Interest::READABLE)?;
        let log = Log::new(config.log_level, config.log_format);
        Ok(Self {
            poll,
            signals,
            start: clock.now().wall,
            clock,
            shared: Shared::new(config.rules, config.resources, log, registry),
            intake: Intake::new(acceptors),
            connections: Connections::new(config.bounds),
            metrics_page,
            shutdown_timeout: config.shutdown_timeout,
            start_report: Some(start_report),
            log_report: None,
        })
    }

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
            metrics_page,
            ..
        } = self;
        if let Some(page) = metrics_page {
            page.accept(shared, now)?;
        }
        intake.take_in(connections, shared, now)?;
        if intake.is_shut() && connections.is_empty() {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn dispatch(&mut self, token: Token, event: &Event, now: Now) {
        let Self {
            shared,
            intake,
            connections,
            metrics_page,
            start,
            ..
        } = self;
        match (token, metrics_page) {
            (Token::Listener(index), _) => intake.wake(index),
            (Token::Connection(key), _) => {
                let read_closed = event.is_read_closed();
                connections.on_ready(key, Readiness { read_closed }, shared, now);
            }
            (Token::MetricsListener, Some(page)) => page.wake(),
            (Token::Visit(slot), Some(page)) => {
                let sample = |shared: &Shared| sample(shared, intake, connections, *start);
                page.on_ready(slot, shared, sample);
            }
            (Token::Signals | Token::MetricsListener | Token::Visit(_), _) => {}
        }
    }

    fn time_to_sleep(&self) -> Option<Duration> {
        if self.intake.waiting() > 0 {
            return Some(Duration::ZERO);
        }
        let tick = self.shared.timers.next_tick()?;
        Some(Moment::at_tick(tick).since(self.clock.moment()))
    }

    /// Handles signals. The first one stops accepting and gives clients that hold a puzzle some time; the
    /// second one ends the server.
    fn on_signals(&mut self, now: Now) -> ControlFlow<()> {
        for signal in self.signals.pending() {
            if !self.intake.shut() {
                return ControlFlow::Break(());
            }
            let signal = if signal == SIGINT {
                "SIGINT"
            } else {
                "SIGTERM"
            };
            let fields = [
                ("signal", Value::Text(signal)),
                ("connections", Value::Number(self.connections.len() as u64)),
            ];
            let Shared { log, timers, .. } = &mut self.shared;
            log.line(now, Level::Info, "shutting down", &fields);
            let due = now.moment.after(self.shutdown_timeout).due_tick();
            timers.arm(due, Timer::Shutdown);
            self.connections.begin_shutdown(&mut self.shared, now);
        }
        ControlFlow::Continue(())
    }

    /// Handles deadlines that have passed.
    fn expire(&mut self, now: Now) -> ControlFlow<()> {
        let shared = &mut self.shared;
        for _ in 0..EXPIRIES_PER_TURN {
            match shared.timers.pop(now.moment.tick()) {
                None => break,
                Some(Timer::Connection(key)) => {
                    self.connections.on_deadline(key as usize, shared, now);
                }
                Some(Timer::Visit(slot)) => {
                    if let Some(page) = &mut self.metrics_page {
                        page.on_deadline(slot as usize, shared);
                    }
                }
                Some(Timer::AcceptRetry) => self.intake.on_retry(),
                Some(Timer::LogReport) => {
                    self.log_report = None;
                    shared.log.report_suppressed(now);
                }
                Some(Timer::Shutdown) => {
                    self.connections.end_shutdown(shared, now);
                    return ControlFlow::Break(());
                }
            }
        }
        if let (None, Some(deadline)) = (self.log_report, shared.log.deadline()) {
            let timer = shared.timers.arm(deadline.due_tick(), Timer::LogReport);
            self.log_report = Some(timer);
        }
        ControlFlow::Continue(())
    }

    fn log_start(&mut self) {
        let (addresses, metrics) = (self.intake.local_addrs(), self.metrics_addr());
        if let Some(report) = self.start_report.take() {
            report.log(&addresses, metrics, &mut self.shared.log, self.clock.now());
        }
    }
}

/// Reads the gauges of the metrics page. `start` is when the process started, since the Unix epoch.
fn sample(shared: &Shared, intake: &Intake, connections: &Connections, start: Duration) -> Gauges {
    let limits = &connections.limits;
    let suppressed = shared.log.suppressed_total();
    let usage = ProcessUsage::read();
    Gauges {
        open: Standing::ALL.map(|standing| (standing, limits.count(standing) as u64)),
        max_connections: limits.bounds().connections as u64,
        waiting: intake.waiting() as u64,
        paused: intake.is_paused(),
        suppressed_lines: suppressed
            .map(|(kind, count)| (kind.name(), count))
            .collect(),
        start_seconds: start.as_secs_f64(),
        cpu_seconds: usage.cpu.map(|cpu| cpu.as_secs_f64()),
        resident_bytes: usage.resident,
        open_descriptors: usage.open_descriptors,
        max_descriptors: usage.max_descriptors,
    }
}
