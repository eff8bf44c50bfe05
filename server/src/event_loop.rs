//! The loop: one thread sleeps until a socket is ready, a signal comes or a deadline passes, and does
//! what is due, within a budget for each turn.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use powtcp_common::log_line::{Level, Value};
use signal_hook_mio::v1_0::Signals;

use crate::acceptor::Acceptor;
use crate::config::Config;
use crate::connection::Readiness;
use crate::connections::{Connections, Timer};
use crate::intake::Intake;
use crate::log::Log;
use crate::metrics::Gauges;
use crate::metrics_page::MetricsPage;
use crate::moment::{Clock, Moment, Now};
use crate::process::ProcessUsage;
use crate::responder::Responder;
use crate::timer_wheel::TimerId;

/// Events that one turn handles; further ones wait for the next. A turn must be short: while it lasts
/// nobody leaves the listen queue.
const EVENTS_PER_TURN: usize = 256;
/// Deadlines that one turn handles: connections opened in one burst also expire in one, and those
/// with a solved stamp must not wait for all of it.
const EXPIRIES_PER_TURN: usize = 64;

const LISTENER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);
const METRICS: Token = Token(usize::MAX - 3);
/// The first token of the metrics page's visits. What lies below is a connection's key.
const VISITS: usize = METRICS.0 - MetricsPage::TOKENS;

/// The numbers that POSIX gives them (`kill`, XSI).
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// A server that listens.
pub struct Server {
    poll: Poll,
    signals: Signals,
    clock: Clock,
    /// The wall clock at the start.
    start: Duration,
    /// Shut from the first signal on.
    intake: Intake,
    connections: Connections,
    metrics_page: Option<MetricsPage>,
    shutdown_timeout: Duration,
    /// The timer of [`Timer::LogSummary`], while it is armed.
    log_summary: Option<TimerId>,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Continue,
    Stop,
}

impl Server {
    /// Opens the listening sockets and catches SIGINT and SIGTERM.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use; and the address.
    pub fn bind(config: Config) -> io::Result<Self> {
        let clock = Clock::start();
        let poll = Poll::new()?;
        let registry = || poll.registry().try_clone();
        let acceptor = Acceptor::bind(config.listen, poll.registry(), LISTENER)
            .map_err(|error| listen_error(config.listen, &error))?;
        let metrics_page = match config.metrics {
            None => None,
            Some(address) => Some(
                MetricsPage::bind(address, registry()?, METRICS, VISITS)
                    .map_err(|error| listen_error(address, &error))?,
            ),
        };
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        poll.registry()
            .register(&mut signals, SIGNALS, Interest::READABLE)?;
        let log = Log::new(config.log_level, config.log_format);
        let responder = Responder::new(config.resources, log);
        Ok(Self {
            signals,
            start: clock.now().wall,
            clock,
            intake: Intake::new(acceptor),
            shutdown_timeout: config.shutdown_timeout,
            connections: Connections::new(config.bounds, config.rules, responder, registry()?),
            metrics_page,
            log_summary: None,
            poll,
        })
    }

    /// Where it listens; `None` while it shuts down.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.intake.local_addr()
    }

    /// Where the metrics page is; `None` where there is none.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_page.as_ref()?.local_addr().ok()
    }

    /// Serves until a signal ends it.
    ///
    /// # Errors
    /// The poll or the listening socket failed; nothing that a peer does.
    pub fn run(mut self) -> io::Result<()> {
        self.log_start();
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        loop {
            match self.poll.poll(&mut events, self.time_to_sleep()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            let now = self.clock.now();
            if self.turn(&events, now)? == Flow::Stop {
                break;
            }
            let worked = self.clock.moment().since(now.moment);
            self.connections
                .shared
                .responder
                .metrics
                .turns
                .observe(worked);
        }
        let now = self.clock.now();
        self.log().sum_up(now);
        self.log().line(now, Level::Info, "stopped", &[]);
        Ok(())
    }

    /// What one waking is for: signals, what sockets have to say, deadlines, newcomers.
    fn turn(&mut self, events: &Events, now: Now) -> io::Result<Flow> {
        let mut signalled = false;
        self.connections.shared.begin_turn();
        for event in events {
            match event.token() {
                LISTENER => self.intake.wake(),
                METRICS => self.metrics_page.iter_mut().for_each(MetricsPage::wake),
                SIGNALS => signalled = true,
                Token(token) if token >= VISITS => self.on_visit_ready(token - VISITS),
                Token(key) => {
                    let readiness = Readiness {
                        read_closed: event.is_read_closed(),
                    };
                    self.connections.on_ready(key, readiness, now);
                }
            }
        }
        if signalled && self.on_signals(now) == Flow::Stop || self.expire(now) == Flow::Stop {
            return Ok(Flow::Stop);
        }
        if let Some(page) = &mut self.metrics_page {
            page.accept(&mut self.connections.timers, now)?;
        }
        let registry = self.poll.registry();
        self.intake.take_in(&mut self.connections, registry, now)?;
        match self.intake.is_shut() && self.connections.is_empty() {
            true => Ok(Flow::Stop),
            false => Ok(Flow::Continue),
        }
    }

    /// A visit of the metrics page goes on.
    fn on_visit_ready(&mut self, slot: usize) {
        let Some(page) = &mut self.metrics_page else {
            return;
        };
        let Connections {
            limits,
            timers,
            shared,
            ..
        } = &mut self.connections;
        let gauges = || Gauges {
            limits,
            log: &shared.responder.log,
            waiting: self.intake.waiting(),
            paused: self.intake.is_paused(),
            process: ProcessUsage::read(self.start),
        };
        page.on_ready(slot, timers, || {
            shared.responder.metrics.exposition(&gauges())
        });
    }

    fn time_to_sleep(&self) -> Option<Duration> {
        if self.intake.waiting() > 0 {
            return Some(Duration::ZERO);
        }
        let tick = self.connections.timers.next_tick()?;
        Some(Moment::at_tick(tick).since(self.clock.moment()))
    }

    /// The first signal ends accepting, and leaves those who hold a puzzle some time. The second ends
    /// all.
    fn on_signals(&mut self, now: Now) -> Flow {
        for signal in self.signals.pending() {
            if !self.intake.shut() {
                return Flow::Stop;
            }
            let signal = if signal == SIGINT {
                "SIGINT"
            } else {
                "SIGTERM"
            };
            let open = Value::Number(self.connections.len() as u64);
            let fields = [("signal", Value::Text(signal)), ("connections", open)];
            self.log().line(now, Level::Info, "shutting down", &fields);
            self.connections.begin_shutdown(now);
            self.arm(now.moment.after(self.shutdown_timeout), Timer::Shutdown);
        }
        Flow::Continue
    }

    /// Handles deadlines that have passed.
    fn expire(&mut self, now: Now) -> Flow {
        for _ in 0..EXPIRIES_PER_TURN {
            match self.connections.timers.pop(now.moment.tick()) {
                None => break,
                Some(Timer::Connection(key)) => self.connections.on_deadline(key as usize, now),
                Some(Timer::Visit(slot)) => {
                    if let Some(page) = &mut self.metrics_page {
                        page.on_deadline(slot as usize, &mut self.connections.timers);
                    }
                }
                Some(Timer::AcceptRetry) => self.intake.on_retry(),
                Some(Timer::LogSummary) => {
                    self.log_summary = None;
                    self.log().sum_up(now);
                }
                Some(Timer::Shutdown) => {
                    self.connections.end_shutdown(now);
                    return Flow::Stop;
                }
            }
        }
        if let (None, Some(due)) = (self.log_summary, self.log().deadline()) {
            self.log_summary = Some(self.arm(due, Timer::LogSummary));
        }
        Flow::Continue
    }

    fn arm(&mut self, deadline: Moment, timer: Timer) -> TimerId {
        self.connections.timers.arm(deadline.due_tick(), timer)
    }

    fn log_start(&mut self) {
        let now = self.clock.now();
        let bits = u64::from(self.connections.shared.rules.terms.difficulty.bits());
        let address = self.local_addr();
        let metrics = self.metrics_addr();
        let log = self.log();
        if let Some(address) = address.map(|address| address.to_string()) {
            let fields = [
                ("address", Value::Text(&address)),
                ("bits", Value::Number(bits)),
            ];
            log.line(now, Level::Info, "listening", &fields);
        }
        if let Some(address) = metrics.map(|address| address.to_string()) {
            let fields = [("address", Value::Text(&address))];
            log.line(now, Level::Info, "serving metrics", &fields);
        }
    }

    const fn log(&mut self) -> &mut Log {
        &mut self.connections.shared.responder.log
    }
}

fn listen_error(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}
