//! Connecting a client that has paid to the upstream: one address after the other, within one time limit.

use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry};

use super::ending::Ending;
use super::pair::Side;
use super::upstream::{Connecting, Upstream, UpstreamSocket};
use crate::net::io::INPUT;
use crate::net::token::Token;
use crate::protocol::Payment;
use crate::time::Moment;

/// The pause before another attempt to connect to a Unix socket whose backlog is full.
const RETRY: Duration = Duration::from_millis(20);

/// A client that waits for its upstream.
#[derive(Debug)]
pub(super) struct Dialing {
    pub(super) client: TcpStream,
    /// Bytes that the client sent behind its stamp, for the upstream.
    pub(super) early: Box<[u8]>,
    /// Whether the client has reported the end of its stream, or urgent data, already. That event
    /// comes only once.
    pub(super) is_client_closing: bool,
    /// Answers that the client has not taken yet.
    pub(super) unsent: Box<[u8]>,
    /// What the client has paid with. It is good again if the upstream is not connected.
    pub(super) payment: Payment,
    /// The connection being made, if an event will tell of it.
    attempt: Option<UpstreamSocket>,
    /// The address that is tried.
    index: usize,
    /// When all attempts end.
    deadline: Moment,
    /// When the present attempt ends, or the next one begins.
    pub(super) wake: Moment,
}

/// What came of dialing so far.
#[derive(Debug)]
pub(super) enum Dialed {
    /// The upstream is connected.
    Connected(UpstreamSocket),
    /// An event or [`Dialing::wake`] continues.
    Waiting,
    /// No address can be connected to.
    Failed(Ending),
}

impl Dialing {
    pub(super) fn new(
        client: TcpStream,
        early: Box<[u8]>,
        unsent: Box<[u8]>,
        payment: Payment,
        deadline: Moment,
    ) -> Self {
        Self {
            client,
            early,
            is_client_closing: false,
            unsent,
            payment,
            attempt: None,
            index: 0,
            deadline,
            wake: deadline,
        }
    }

    /// Tries addresses from the present one on, until one of them is connected or takes time.
    pub(super) fn dial(
        &mut self,
        upstream: &Upstream,
        registry: &Registry,
        key: usize,
        now: Moment,
    ) -> Dialed {
        while self.index < upstream.addresses() {
            match upstream.connect(self.index) {
                Ok(Connecting::Made(mut socket)) => {
                    if register(&mut socket, registry, key).is_ok() {
                        return Dialed::Connected(socket);
                    }
                }
                Ok(Connecting::Pending(mut socket)) => {
                    if register(&mut socket, registry, key).is_ok() {
                        self.attempt = Some(socket);
                        // Each address that is left gets the same share of the time.
                        let left = (upstream.addresses() - self.index) as u32;
                        self.wake = now.after(self.deadline.since(now) / left);
                        return Dialed::Waiting;
                    }
                }
                Ok(Connecting::Retry) => {
                    self.wake = now.after(RETRY).min(self.deadline);
                    return Dialed::Waiting;
                }
                Err(_) => {}
            }
            self.index += 1;
        }
        Dialed::Failed(Ending::UpstreamRefused)
    }

    /// Continues after an event of the upstream's socket.
    pub(super) fn on_event(
        &mut self,
        upstream: &Upstream,
        registry: &Registry,
        key: usize,
        now: Moment,
    ) -> Dialed {
        let Some(socket) = &self.attempt else {
            return Dialed::Waiting;
        };
        match (socket.is_connected(), self.attempt.take()) {
            (Ok(true), Some(socket)) => Dialed::Connected(socket),
            (Ok(_), socket) => {
                self.attempt = socket;
                Dialed::Waiting
            }
            (Err(_), _) => {
                self.index += 1;
                self.dial(upstream, registry, key, now)
            }
        }
    }

    /// Continues when [`Dialing::wake`] has passed.
    pub(super) fn on_wake(
        &mut self,
        upstream: &Upstream,
        registry: &Registry,
        key: usize,
        now: Moment,
    ) -> Dialed {
        if now >= self.deadline {
            return Dialed::Failed(Ending::UpstreamTimedOut);
        }
        // An address took its share of the time without an answer; otherwise a full backlog is tried again.
        let has_timed_out = self.attempt.take().is_some();
        self.index += usize::from(has_timed_out);
        match self.dial(upstream, registry, key, now) {
            Dialed::Failed(_) if has_timed_out => Dialed::Failed(Ending::UpstreamTimedOut),
            dialed => dialed,
        }
    }
}

/// Registers the socket of an upstream for events of both kinds. They are edge-triggered: a socket that stays
/// writable causes none.
fn register(socket: &mut UpstreamSocket, registry: &Registry, key: usize) -> std::io::Result<()> {
    let interest = INPUT | Interest::WRITABLE;
    registry.register(socket, Token::Relay(Side::Upstream, key).into(), interest)
}
