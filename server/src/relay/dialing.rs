//! Connecting a client to the upstream: one address after the other, within one time limit.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Interest, Registry};
use powtcp_common::address::ClientAddr;

use super::ending::Ending;
use super::network::{Connecting, Dial, RelaySocket};
use super::pair::Side;
use super::{Entrant, Pass};
use crate::net::io::{INPUT, Socket};
use crate::net::token::Token;
use crate::protocol::proxy_header::{self, Version};
use crate::time::Moment;

/// What a client that has paid gets when its upstream is connected.
const CONNECTED: &[u8] = b"4:connected\n";
/// The pause before another attempt to connect to a Unix socket whose backlog is full.
const RETRY: Duration = Duration::from_millis(20);

/// What dialing for one relay needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialer<'a, U> {
    pub(super) upstream: &'a U,
    pub(super) registry: &'a Registry,
    /// The key of the relay.
    pub(super) key: usize,
    pub(super) now: Moment,
}

/// A client that waits for its upstream.
#[derive(Debug)]
pub(super) struct Dialing<S, C> {
    pub(super) client: S,
    /// Bytes that the client sent for the upstream.
    pub(super) early: Box<[u8]>,
    /// Whether the client has reported the end of its stream, or urgent data, already. That event
    /// comes only once.
    pub(super) is_client_closing: bool,
    /// The same of the upstream: it may have answered and closed before it is known to be connected.
    pub(super) is_upstream_closing: bool,
    /// Answers that the client has not taken yet.
    pub(super) unsent: Box<[u8]>,
    /// Why the client may enter.
    pub(super) pass: Pass,
    /// The address to which the client has connected, if a header has named one.
    pub(super) destination: Option<SocketAddr>,
    /// The connection being made, if an event will tell of it.
    attempt: Option<C>,
    /// The address that is tried.
    index: usize,
    /// Why the last attempt that failed did so.
    pub(super) error: Option<io::Error>,
    /// When all attempts end.
    deadline: Moment,
    /// When the present attempt ends, or the next one begins.
    pub(super) wake: Moment,
}

/// What came of dialing so far.
#[derive(Debug)]
pub(super) enum Dialed<C> {
    /// The upstream is connected.
    Connected(C),
    /// An event or [`Dialing::wake`] continues.
    Waiting,
    /// The upstream was connected, and has reset the connection already.
    Reset,
    /// No address can be connected to.
    Failed(Ending),
}

impl<S: Socket, C: RelaySocket> Dialing<S, C> {
    /// Begins to wait. All attempts end at `deadline`.
    pub(super) fn new(entrant: Entrant<S>, deadline: Moment) -> Self {
        Self {
            client: entrant.socket,
            early: entrant.early,
            is_client_closing: false,
            is_upstream_closing: false,
            unsent: entrant.unsent,
            pass: entrant.pass,
            destination: entrant.destination,
            attempt: None,
            index: 0,
            error: None,
            deadline,
            wake: deadline,
        }
    }

    /// Returns the header that the upstream gets, which may be none.
    pub(super) fn header(&self, version: Option<Version>, client: ClientAddr) -> Vec<u8> {
        let destination = || self.destination.or_else(|| self.client.local_addr());
        version.map_or_else(Vec::new, |version| {
            proxy_header::encode(version, client, destination())
        })
    }

    /// Returns our own bytes to the client, once its upstream is connected.
    pub(super) fn greeting(&self) -> Vec<u8> {
        match self.pass {
            Pass::Paid(_) => [&self.unsent, CONNECTED].concat(),
            Pass::Exempt => Vec::new(),
        }
    }

    /// Makes closing the client a reset, and closing the upstream too, which may be connected already.
    pub(super) fn reset(&self) {
        self.client.set_reset_on_close(true);
        if let Some(upstream) = &self.attempt {
            upstream.set_reset_on_close(true);
        }
    }

    /// Tries addresses from the present one on, until one of them is connected or takes time.
    pub(super) fn dial<U: Dial<Socket = C>>(&mut self, dialer: &Dialer<'_, U>) -> Dialed<C> {
        let Dialer { upstream, now, .. } = *dialer;
        while self.index < upstream.addresses() {
            match dialer.connect(self.index) {
                Ok(Connecting::Made(socket)) => return Dialed::Connected(socket),
                Ok(Connecting::Pending(socket)) => {
                    self.is_upstream_closing = false;
                    self.attempt = Some(socket);
                    // Each address that is left gets the same share of the time.
                    let left = (upstream.addresses() - self.index) as u32;
                    self.wake = now.after(self.deadline.since(now) / left);
                    return Dialed::Waiting;
                }
                Ok(Connecting::Retry) => {
                    self.wake = now.after(RETRY).min(self.deadline);
                    return Dialed::Waiting;
                }
                Err(error) => self.error = Some(error),
            }
            self.index += 1;
        }
        Dialed::Failed(Ending::UpstreamRefused)
    }

    /// Continues after an event of the upstream's socket.
    pub(super) fn on_event<U: Dial<Socket = C>>(&mut self, dialer: &Dialer<'_, U>) -> Dialed<C> {
        let Some(socket) = self.attempt.take() else {
            return Dialed::Waiting;
        };
        match dialer.upstream.is_connected(&socket) {
            Ok(true) => Dialed::Connected(socket),
            Ok(false) => {
                self.attempt = Some(socket);
                Dialed::Waiting
            }
            Err(error) => {
                // A refusal is reported as ECONNREFUSED.
                let is_reset = error.kind() == io::ErrorKind::ConnectionReset;
                self.error = Some(error);
                if is_reset {
                    return Dialed::Reset;
                }
                self.index += 1;
                self.dial(dialer)
            }
        }
    }

    /// Continues when [`Dialing::wake`] has passed.
    pub(super) fn on_wake<U: Dial<Socket = C>>(&mut self, dialer: &Dialer<'_, U>) -> Dialed<C> {
        if dialer.now >= self.deadline {
            return Dialed::Failed(Ending::UpstreamTimedOut);
        }
        // An address took its share of the time without an answer; otherwise a full backlog is tried again.
        let has_timed_out = self.attempt.take().is_some();
        self.index += usize::from(has_timed_out);
        match self.dial(dialer) {
            Dialed::Failed(_) if has_timed_out => Dialed::Failed(Ending::UpstreamTimedOut),
            dialed => dialed,
        }
    }
}

impl<U: Dial> Dialer<'_, U> {
    /// Begins to connect, and registers the socket for events of both kinds. They are edge-triggered: a socket
    /// that stays writable causes none.
    fn connect(&self, index: usize) -> io::Result<Connecting<U::Socket>> {
        let mut connecting = self.upstream.connect(index)?;
        if let Connecting::Made(socket) | Connecting::Pending(socket) = &mut connecting {
            let token = Token::Relay(Side::Upstream, self.key).into();
            let interest = INPUT | Interest::WRITABLE;
            self.registry.register(socket, token, interest)?;
        }
        Ok(connecting)
    }
}
