//! One relay: a client, its upstream, and the two flows between them.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::ending::Ending;
use super::flow::{Flow, FlowError};
use super::network::{RelaySocket, SideEvent};
use crate::time::Moment;

/// Bytes that one relay may read in one turn of the loop, in each direction. It stops a fast relay from
/// delaying the others: beside 64 of them a round trip of another relay takes two turns of 8 MiB.
pub(super) const BUDGET: usize = 128 * 1024;

/// How long a client may take the answer of an upstream that has ended its stream and then reset the
/// connection. After that the client is reset too. An RST at once could destroy the answer on its way; none
/// at all would leave the client in the belief that its bytes arrive.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// A relay whose upstream is connected.
#[derive(Debug)]
pub(super) struct Pair<S, C> {
    client: S,
    upstream: C,
    /// From the client to the upstream.
    up: Flow,
    /// From the upstream to the client.
    down: Flow,
    /// The number of our own bytes, to the upstream and to the client.
    own: [u64; 2],
    /// Which side ended its stream first.
    first_end: Option<Ending>,
    answer: Answer,
    /// When bytes were last carried.
    last_active: Moment,
}

/// Bytes of our own, which go before those of the other side.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) to_upstream: Vec<u8>,
    pub(super) to_client: Vec<u8>,
}

/// The answer of an upstream that resets its connection after the end of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The upstream has not reset its connection.
    Open,
    /// The upstream is gone, and its answer has to be delivered.
    Last,
    /// The whole answer was written to the client, at this time.
    Written(Moment),
}

/// A side of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The service behind the gate.
    Upstream,
}

impl Side {
    /// Returns how a relay ends that this side has reset.
    pub(super) fn reset(self) -> Ending {
        match self {
            Self::Client => Ending::ClientReset,
            Self::Upstream => Ending::UpstreamReset,
        }
    }
}

impl<S: RelaySocket, C: RelaySocket> Pair<S, C> {
    /// Joins a client, which has sent the bytes `early`, and its upstream. Until the relay has ended in
    /// order, closing a side resets it, even if the process is killed.
    pub(super) fn new(client: S, upstream: C, own: &Own, early: &[u8], now: Moment) -> Self {
        client.set_reset_on_close(true);
        upstream.set_reset_on_close(true);
        Self {
            client,
            upstream,
            own: [&own.to_upstream, &own.to_client].map(|bytes| bytes.len() as u64),
            up: Flow::new([&own.to_upstream, early].concat().into()),
            down: Flow::new(own.to_client.as_slice().into()),
            first_end: None,
            answer: Answer::Open,
            last_active: now,
        }
    }

    /// Returns the bytes that were carried to the upstream and to the client.
    pub(super) fn relayed(&self) -> [u64; 2] {
        let [up, down] = self.own;
        [
            self.up.relayed().saturating_sub(up),
            self.down.relayed().saturating_sub(down),
        ]
    }

    /// Returns the bytes that are kept because a side does not take them.
    pub(super) fn kept(&self) -> usize {
        self.up.kept() + self.down.kept()
    }

    /// Returns whether there is more to do without a new event.
    pub(super) fn can_continue(&self) -> bool {
        self.up.can_continue() || self.down.can_continue()
    }

    /// Notes an event of one side. Returns an ending if it reports that this side has failed: a flow that
    /// waits for its sink would not find out.
    pub(super) fn on_event(&mut self, side: Side, event: SideEvent) -> Option<Ending> {
        let error = match side {
            _ if !event.error => None,
            Side::Client => self.client.error(),
            Side::Upstream => self.upstream.error(),
        };
        match error {
            None => {}
            Some(error) if side == Side::Upstream && self.has_answered(&error) => {
                self.lose_upstream();
            }
            Some(_) => return Some(side.reset()),
        }
        let (from, to) = match side {
            Side::Client => (&mut self.up, &mut self.down),
            Side::Upstream => (&mut self.down, &mut self.up),
        };
        if event.readable {
            from.on_readable(event.closing);
        }
        if event.writable {
            to.on_writable();
        }
        None
    }

    /// Notes that a side has ended its stream while the upstream was being connected.
    pub(super) fn on_closing(&mut self, side: Side) {
        match side {
            Side::Client => self.up.on_readable(true),
            Side::Upstream => self.down.on_readable(true),
        }
    }

    /// Moves bytes in both directions. Returns the ending if the relay has ended. The direction to the
    /// client goes first: what the upstream sent before it failed is read before the failure is found by
    /// writing.
    pub(super) fn pump(&mut self, buffer: &mut [u8], now: Moment) -> Option<Ending> {
        let before = self.up.relayed() + self.down.relayed();
        match (self.down).pump(&mut self.upstream, &mut self.client, buffer, BUDGET) {
            Ok(()) => {}
            Err(FlowError::Source(_)) => return Some(Ending::UpstreamReset),
            Err(FlowError::Sink(_)) => return Some(Ending::ClientReset),
        }
        self.note_end();
        match (self.up).pump(&mut self.client, &mut self.upstream, buffer, BUDGET) {
            Ok(()) => {}
            Err(FlowError::Sink(error)) if self.has_answered(&error) => self.lose_upstream(),
            Err(FlowError::Sink(_)) => return Some(Ending::UpstreamReset),
            Err(FlowError::Source(_)) => return Some(Ending::ClientReset),
        }
        self.note_end();
        if self.up.relayed() + self.down.relayed() != before {
            self.last_active = now;
        }
        if self.answer == Answer::Last && self.down.has_ended() {
            self.answer = Answer::Written(now);
        }
        let has_ended = self.up.has_ended() && self.down.has_ended();
        has_ended.then(|| self.first_end.unwrap_or(Ending::ClientClosed))
    }

    /// Returns whether all that a lost upstream had answered was written to the client.
    pub(super) fn is_last_answer_written(&self) -> bool {
        matches!(self.answer, Answer::Written(_))
    }

    /// Returns when the relay ends if nothing happens before, and how, with this idle timeout.
    pub(super) fn deadline(&self, idle_timeout: Duration) -> Option<(Moment, Ending)> {
        let idle = (self.last_active.after(idle_timeout), Ending::Idle);
        match self.answer {
            Answer::Written(at) => Some((at.after(ANSWER_TIME), Ending::UpstreamReset)),
            Answer::Open | Answer::Last => (!idle_timeout.is_zero()).then_some(idle),
        }
    }

    /// Makes closing both sides an end in order.
    pub(super) fn close_in_order(&self) {
        self.client.set_reset_on_close(false);
        self.upstream.set_reset_on_close(false);
    }

    /// Notes that the upstream takes nothing more.
    fn lose_upstream(&mut self) {
        self.up.discard();
        if self.answer == Answer::Open {
            self.answer = Answer::Last;
        }
    }

    /// Returns whether an upstream that has failed with `error` may have ended its stream in order, and only
    /// wants no more. Its answer is still delivered. Linux reports EPIPE for an RST behind a FIN. ENOTCONN of
    /// a shutdown says nothing, and reading will tell.
    fn has_answered(&self, error: &io::Error) -> bool {
        let is_open_end = matches!(
            error.kind(),
            ErrorKind::BrokenPipe | ErrorKind::NotConnected
        );
        self.down.is_source_finished() || is_open_end
    }

    fn note_end(&mut self) {
        if self.first_end.is_none() {
            if self.down.is_source_finished() {
                self.first_end = Some(Ending::UpstreamClosed);
            } else if self.up.is_source_finished() {
                self.first_end = Some(Ending::ClientClosed);
            }
        }
    }
}
