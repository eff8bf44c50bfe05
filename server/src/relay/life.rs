//! The life of one relay.
//!
//! ```text
//!             the upstream is connected         both streams ended, or a side failed
//!   Dialing ---------------------------> Open ---------------------------------------> Over
//!      |                                                                                ^
//!      `--------------------------------------------------------------------------------'
//!                 the upstream failed, or the client was reset
//! ```

use std::time::Duration;

use powtcp_common::address::ClientAddr;
use powtcp_common::refusal::Refusal;

use super::dialing::{Dialed, Dialer, Dialing};
use super::ending::Ending;
use super::network::{Dial, RelaySocket, SideEvent};
use super::pair::{Own, Pair, Side};
use super::report::RelayReport;
use super::{Entrant, Gate, Pass};
use crate::admission::Fare;
use crate::net::connections::Returned;
use crate::net::io::write;
use crate::protocol::Payment;
use crate::protocol::proxy_header::Version;
use crate::time::{Moment, TimerId};

/// A relay, connecting or open.
pub(super) struct Relay<S, C> {
    pub(super) client: ClientAddr,
    /// Whether the client has paid, or knows nothing of the protocol.
    pub(super) fare: Fare,
    state: State<S, C>,
    /// The timer of [`Relay::wake`]; set by the table.
    pub(super) timer: TimerId,
    started: Moment,
    /// Bytes that this relay keeps, as the table has counted them.
    pub(super) kept: usize,
    /// Whether it is in the queue of ready relays.
    pub(super) is_queued: bool,
}

enum State<S, C> {
    Dialing(Box<Dialing<S, C>>),
    Open {
        pair: Pair<S, C>,
        connected_after: Duration,
    },
    /// Its sockets were taken out.
    Over,
}

/// What is to be done after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: another event or the timer continues.
    Wait,
    /// Ask how the attempt to connect goes.
    Dial,
    /// Move bytes.
    Pump,
    /// End the relay.
    End(Ending),
}

/// What one call of [`Relay::pump`] did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pumped {
    /// Bytes that were carried to the upstream and to the client.
    pub(super) carried: [u64; 2],
    /// Bytes that the relay keeps now.
    pub(super) kept: usize,
    /// Whether there is more to do without a new event.
    pub(super) can_continue: bool,
    /// Whether the deadline has changed.
    pub(super) has_new_deadline: bool,
    /// How the relay has ended, if it has.
    pub(super) ending: Option<Ending>,
}

impl<S: RelaySocket, C: RelaySocket> Relay<S, C> {
    /// Begins the relay of a client. Its upstream must be connected until `deadline`.
    pub(super) fn new(entrant: Entrant<S>, deadline: Moment, now: Moment) -> Self {
        Self {
            client: entrant.client,
            fare: entrant.pass.fare(),
            state: State::Dialing(Box::new(Dialing::new(entrant, deadline))),
            timer: TimerId::NONE,
            started: now,
            kept: 0,
            is_queued: false,
        }
    }

    /// Returns what the client has paid with, while its upstream is being connected.
    pub(super) fn payment(&self) -> Option<Payment> {
        match &self.state {
            State::Dialing(dialing) => match dialing.pass {
                Pass::Paid(payment) => Some(payment),
                Pass::Exempt => None,
            },
            State::Open { .. } | State::Over => None,
        }
    }

    /// Returns whether its upstream is being connected.
    pub(super) fn is_dialing(&self) -> bool {
        matches!(self.state, State::Dialing(_))
    }

    /// Returns when the relay must be looked at without an event, with this idle timeout.
    pub(super) fn wake(&self, idle_timeout: Duration) -> Option<Moment> {
        match &self.state {
            State::Dialing(dialing) => Some(dialing.wake),
            State::Open { .. } | State::Over => {
                self.deadline(idle_timeout).map(|(deadline, _)| deadline)
            }
        }
    }

    /// Returns when an open relay ends if nothing happens before, and how, with this idle timeout.
    pub(super) fn deadline(&self, idle_timeout: Duration) -> Option<(Moment, Ending)> {
        match &self.state {
            State::Open { pair, .. } => pair.deadline(idle_timeout),
            State::Dialing(_) | State::Over => None,
        }
    }

    /// Notes an event of one side.
    pub(super) fn on_event(&mut self, side: Side, event: SideEvent) -> Next {
        match (&mut self.state, side) {
            (State::Dialing(dialing), Side::Client) => {
                dialing.is_client_closing |= event.closing;
                if event.error && dialing.client.error().is_some() {
                    return Next::End(Ending::ClientReset);
                }
                Next::Wait
            }
            (State::Dialing(dialing), Side::Upstream) => {
                dialing.is_upstream_closing |= event.closing;
                Next::Dial
            }
            (State::Open { pair, .. }, side) => {
                pair.on_event(side, event).map_or(Next::Pump, Next::End)
            }
            (State::Over, _) => Next::Wait,
        }
    }

    /// Lets a relay whose upstream is being connected make progress by `act`.
    pub(super) fn dial<U: Dial<Socket = C>>(
        &mut self,
        dialer: &Dialer<'_, U>,
        act: impl FnOnce(&mut Dialing<S, C>, &Dialer<'_, U>) -> Dialed<C>,
    ) -> Dialed<C> {
        match &mut self.state {
            State::Dialing(dialing) => act(dialing, dialer),
            State::Open { .. } | State::Over => Dialed::Waiting,
        }
    }

    /// Tells a client that its upstream was connected, because the upstream has reset the connection already,
    /// and the client is about to be reset too. Otherwise it would take the reset for one of the gate's, and
    /// pay again.
    pub(super) fn tell_connected(&mut self) {
        if let State::Dialing(dialing) = &mut self.state {
            let greeting = dialing.greeting();
            // A client that does not take the line now is reset without it.
            let _ = write(&mut dialing.client, &greeting);
        }
    }

    /// Joins the client to its upstream, which is connected and gets a header if `send_proxy` says so.
    /// Returns how long that took.
    pub(super) fn open(
        &mut self,
        upstream: C,
        send_proxy: Option<Version>,
        now: Moment,
    ) -> Duration {
        let connected_after = now.since(self.started);
        upstream.set_options();
        if let State::Dialing(dialing) = std::mem::replace(&mut self.state, State::Over) {
            let own = Own {
                to_upstream: dialing.header(send_proxy, self.client),
                to_client: dialing.greeting(),
            };
            let mut pair = Pair::new(dialing.client, upstream, &own, &dialing.early, now);
            if dialing.is_client_closing {
                pair.on_closing(Side::Client);
            }
            if dialing.is_upstream_closing {
                pair.on_closing(Side::Upstream);
            }
            self.state = State::Open {
                pair,
                connected_after,
            };
        }
        connected_after
    }

    /// Moves bytes through `buffer`, within the budget of a turn.
    pub(super) fn pump(&mut self, buffer: &mut [u8], now: Moment) -> Option<Pumped> {
        let State::Open { pair, .. } = &mut self.state else {
            return None;
        };
        let [up, down] = pair.relayed();
        let was_written = pair.is_last_answer_written();
        let ending = pair.pump(buffer, now);
        let [up_now, down_now] = pair.relayed();
        Some(Pumped {
            carried: [up_now - up, down_now - down],
            kept: pair.kept(),
            can_continue: ending.is_none() && pair.can_continue(),
            has_new_deadline: pair.is_last_answer_written() != was_written,
            ending,
        })
    }

    /// Decides between a reset and an end in order for closing the sockets.
    pub(super) fn prepare_to_close(&self, ending: Ending) {
        let has_ended = matches!(ending, Ending::ClientClosed | Ending::UpstreamClosed);
        match &self.state {
            State::Dialing(dialing) => dialing.reset(),
            State::Open { pair, .. } if has_ended => pair.close_in_order(),
            State::Open { .. } | State::Over => {}
        }
    }

    /// Takes the client out of a relay whose upstream is not connected, with what it has paid. It is to be
    /// told `why`.
    pub(super) fn into_returned(self, why: Refusal) -> Option<(Returned<S>, Payment)> {
        let State::Dialing(dialing) = self.state else {
            return None;
        };
        let Pass::Paid(payment) = dialing.pass else {
            return None;
        };
        let returned = Returned {
            socket: dialing.client,
            client: self.client,
            unsent: dialing.unsent,
            why,
        };
        Some((returned, payment))
    }

    /// Returns what the relay did until now.
    pub(super) fn report<'a, U>(
        &'a self,
        gate: &'a Gate<U>,
        ending: Ending,
        now: Moment,
    ) -> RelayReport<'a, U> {
        let mut report = RelayReport {
            client: self.client,
            is_exempt: self.fare == Fare::Exempt,
            upstream: &gate.upstream,
            carried: [0, 0],
            duration: now.since(self.started),
            connected_after: None,
            ending,
            error: None,
        };
        match &self.state {
            State::Dialing(dialing) => report.error = dialing.error.as_ref(),
            State::Open {
                pair,
                connected_after,
            } => {
                report.carried = pair.relayed();
                report.connected_after = Some(*connected_after);
            }
            State::Over => {}
        }
        report
    }
}
