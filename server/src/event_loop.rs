//! The loop: one thread sleeps until a socket is ready, a signal comes or a deadline passes, and does
//! what is due, within a budget for each turn.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use powtcp_common::log_line::{Level, Value};
use signal_hook_mio::v1_0::Signals;

use crate::acceptor::{Accepted, Acceptor};
use crate::config::Config;
use crate::connection::Readiness;
use crate::connections::{Connections, Timer};
use crate::moment::{Clock, Moment, Now};
use crate::timer_wheel::TimerId;

/// Events that one turn handles; further ones wait for the next.
const EVENTS_PER_TURN: usize = 1024;
/// Connections that one turn accepts: newcomers must not starve those already in.
const ACCEPTS_PER_TURN: usize = 256;
/// Deadlines that one turn handles: connections opened in one burst also expire in one, and those
/// with a solved stamp must not wait for all of it.
const EXPIRIES_PER_TURN: usize = 256;
/// How long to rest when descriptors are exhausted, should none of ours be freed meanwhile.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

const LISTENER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);

/// The numbers that POSIX gives them (`kill`, XSI).
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// A server that listens.
pub struct Server {
    poll: Poll,
    signals: Signals,
    clock: Clock,
    /// `None` from the first signal on.
    acceptor: Option<Acceptor>,
    connections: Connections,
    shutdown_timeout: Duration,
    /// The timer of [`Timer::AcceptRetry`], while it is armed.
    accept_retry: Option<TimerId>,
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
    /// Opens the listening socket and catches SIGINT and SIGTERM.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use.
    pub fn bind(config: Config) -> io::Result<Self> {
        let poll = Poll::new()?;
        let acceptor = Acceptor::bind(config.listen, poll.registry(), LISTENER)?;
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        poll.registry()
            .register(&mut signals, SIGNALS, Interest::READABLE)?;
        Ok(Self {
            signals,
            clock: Clock::start(),
            acceptor: Some(acceptor),
            shutdown_timeout: config.shutdown_timeout,
            connections: Connections::new(config, poll.registry().try_clone()?),
            accept_retry: None,
            log_summary: None,
            poll,
        })
    }

    /// Where it listens; `None` while it shuts down.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.acceptor.as_ref()?.local_addr().ok()
    }

    /// Serves until a signal ends it.
    ///
    /// # Errors
    /// The poll or the listening socket failed; nothing that a peer does.
    pub fn run(mut self) -> io::Result<()> {
        self.log_start();
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        loop {
            match self.poll.poll(&mut events, self.time_to_next_tick()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            let now = self.clock.now();
            let held = self.connections.len();
            let mut signalled = false;
            for event in &events {
                match event.token() {
                    LISTENER => self.acceptor.iter_mut().for_each(Acceptor::wake),
                    SIGNALS => signalled = true,
                    Token(key) => {
                        let readiness = Readiness {
                            read_closed: event.is_read_closed(),
                        };
                        self.connections.on_ready(key, readiness, now);
                    }
                }
            }
            if signalled && self.on_signals(now) == Flow::Stop {
                break;
            }
            if self.expire(now) == Flow::Stop {
                break;
            }
            self.accept(held, now)?;
            if self.acceptor.is_none() && self.connections.is_empty() {
                break;
            }
        }
        let now = self.clock.now();
        self.connections.responder.log.sum_up(now);
        self.log(now, Level::Info, "stopped", &[]);
        Ok(())
    }

    fn time_to_next_tick(&self) -> Option<Duration> {
        let tick = self.connections.timers.next_tick()?;
        Some(Moment::at_tick(tick).since(self.clock.moment()))
    }

    /// The first signal ends accepting, and leaves those who hold a puzzle some time. The second ends
    /// all.
    fn on_signals(&mut self, now: Now) -> Flow {
        for signal in self.signals.pending() {
            if self.acceptor.take().is_none() {
                return Flow::Stop;
            }
            let signal = if signal == SIGINT {
                "SIGINT"
            } else {
                "SIGTERM"
            };
            let open = Value::Number(self.connections.len() as u64);
            let fields = [("signal", Value::Text(signal)), ("connections", open)];
            self.log(now, Level::Info, "shutting down", &fields);
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
                Some(Timer::AcceptRetry) => {
                    self.accept_retry = None;
                    self.acceptor.iter_mut().for_each(Acceptor::wake);
                }
                Some(Timer::LogSummary) => {
                    self.log_summary = None;
                    self.connections.responder.log.sum_up(now);
                }
                Some(Timer::Shutdown) => {
                    self.connections.end_shutdown(now);
                    return Flow::Stop;
                }
            }
        }
        if let (None, Some(due)) = (self.log_summary, self.connections.responder.log.deadline()) {
            self.log_summary = Some(self.arm(due, Timer::LogSummary));
        }
        Flow::Continue
    }

    /// Takes in newcomers. `held` connections were open when the turn began: where it has fewer now,
    /// there are descriptors again.
    fn accept(&mut self, held: usize, now: Now) -> io::Result<()> {
        let Some(acceptor) = &mut self.acceptor else {
            return Ok(());
        };
        if acceptor.is_starved() && self.connections.len() < held {
            acceptor.wake();
        }
        for _ in 0..ACCEPTS_PER_TURN {
            if !acceptor.is_ready() {
                return Ok(());
            }
            match acceptor.accept()? {
                Accepted::Connection(socket, address) => {
                    self.connections.admit(socket, address.into(), now);
                }
                Accepted::Nobody => {}
                Accepted::Exhausted { is_new, error } => {
                    self.rest(is_new, &error, now);
                    return Ok(());
                }
            }
        }
        acceptor.yield_turn(self.poll.registry())
    }

    /// No descriptor is left: accepting rests until one of ours is freed, or for a while.
    fn rest(&mut self, is_new: bool, error: &io::Error, now: Now) {
        if is_new {
            let error = error.to_string();
            let open = Value::Number(self.connections.len() as u64);
            let fields = [("error", Value::Text(&error)), ("connections", open)];
            self.log(now, Level::Warn, "accepting paused", &fields);
        }
        if self.accept_retry.is_none() {
            self.accept_retry = Some(self.arm(now.moment.after(ACCEPT_RETRY), Timer::AcceptRetry));
        }
    }

    fn arm(&mut self, deadline: Moment, timer: Timer) -> TimerId {
        self.connections.timers.arm(deadline.due_tick(), timer)
    }

    fn log_start(&mut self) {
        let address = self
            .local_addr()
            .map(|address| address.to_string())
            .unwrap_or_default();
        let bits = u64::from(self.connections.rules().terms.difficulty.bits());
        let fields = [
            ("address", Value::Text(&address)),
            ("bits", Value::Number(bits)),
        ];
        self.log(self.clock.now(), Level::Info, "listening", &fields);
    }

    fn log(&mut self, now: Now, level: Level, message: &str, fields: &[(&str, Value<'_>)]) {
        self.connections
            .responder
            .log
            .line(now, level, message, fields);
    }
}
