//! Many handshakes at once on one thread.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::config::Config;
use super::dial::{self, Sources};
use super::exchange::{Exchange, Step};
use super::outcome::Outcome;

const EVENTS_PER_TURN: usize = 1024;
const BUFFER_LEN: usize = 16 * 1024;
/// How often handshakes are looked at that may have taken too long.
const PATROL: Duration = Duration::from_millis(100);

/// Clients of one server.
pub(super) struct Crowd<'a> {
    config: &'a Config,
    address: SocketAddr,
    poll: Poll,
    exchanges: Slab<Exchange>,
    buffer: Vec<u8>,
    sources: Sources,
    outcome: Outcome,
}

impl<'a> Crowd<'a> {
    pub(super) fn new(config: &'a Config, address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            config,
            address,
            poll: Poll::new()?,
            exchanges: Slab::new(),
            buffer: vec![0; BUFFER_LEN],
            sources: Sources::new(Ipv4Addr::LOCALHOST, config.sources),
            outcome: Outcome::default(),
        })
    }

    /// Makes all handshakes of the configuration, and keeps as many under way as it says.
    pub(super) fn run(mut self) -> io::Result<Outcome> {
        let start = Instant::now();
        let mut left = self.config.handshakes;
        while left > 0 || !self.exchanges.is_empty() {
            while left > 0 && self.exchanges.len() < self.config.concurrency {
                self.open()?;
                left -= 1;
            }
            self.turn(true)?;
        }
        Ok(self.outcome.conclude(start.elapsed()))
    }

    /// Connects `count` clients and lets each have its puzzle; returns them with their sockets open.
    pub(super) fn hold_puzzles(mut self, sockets: Vec<TcpStream>) -> io::Result<Vec<TcpStream>> {
        let mut holders = Vec::with_capacity(sockets.len());
        let mut waiting = sockets.into_iter();
        loop {
            for socket in waiting
                .by_ref()
                .take(self.config.concurrency - self.exchanges.len())
            {
                self.add(socket)?;
            }
            if self.exchanges.is_empty() {
                return match self.outcome.failures.keys().next() {
                    None => Ok(holders),
                    Some(kind) => Err(io::Error::other(format!("an idle connection: {kind}"))),
                };
            }
            holders.extend(self.turn(false)?);
        }
    }

    /// Starts to connect to the server from the next source address.
    pub(super) fn connect(&mut self) -> io::Result<TcpStream> {
        dial::start(self.sources.next(), self.address)
    }

    fn open(&mut self) -> io::Result<()> {
        match self.connect() {
            Ok(socket) => self.add(socket),
            Err(error) => {
                self.outcome.fail(format!("connect: {error}"));
                Ok(())
            }
        }
    }

    fn add(&mut self, socket: TcpStream) -> io::Result<()> {
        let entry = self.exchanges.vacant_entry();
        let token = Token(entry.key());
        let exchange = entry.insert(Exchange::new(socket));
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut exchange.socket, token, interest)
    }

    /// Waits for events and follows them up. Returns the sockets of clients that hold a puzzle and
    /// do not mean to pay.
    fn turn(&mut self, pay: bool) -> io::Result<Vec<TcpStream>> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let mut holders = Vec::new();
        match self.poll.poll(&mut events, Some(PATROL)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => result?,
        }
        for event in &events {
            let Token(key) = event.token();
            let Some(exchange) = self.exchanges.get_mut(key) else {
                continue;
            };
            let started = exchange.started;
            match exchange.advance(event.is_readable(), &mut self.buffer, pay) {
                Step::Pending => continue,
                Step::Puzzled => holders.push(self.exchanges.remove(key).socket),
                Step::Done => {
                    self.outcome.succeed(started.elapsed());
                    self.exchanges.remove(key);
                }
                Step::Failed(kind) => {
                    self.outcome.fail(kind);
                    self.exchanges.remove(key);
                }
            }
        }
        if events.is_empty() {
            self.give_up_on_the_late();
        }
        Ok(holders)
    }

    fn give_up_on_the_late(&mut self) {
        let (timeout, outcome) = (self.config.timeout, &mut self.outcome);
        self.exchanges.retain(|_, exchange| {
            let in_time = exchange.started.elapsed() < timeout;
            if !in_time {
                outcome.fail("timeout".to_string());
            }
            in_time
        });
    }
}
