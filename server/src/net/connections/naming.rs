//! Who a connection belongs to, where its peer does not say it all: behind a PROXY protocol header, and for
//! clients that are exempt from the proof of work.

use std::io;

use powtcp_common::address::ClientAddr;
use powtcp_common::log_line::Value;
use powtcp_common::refusal::Refusal;

use super::Connections;
use crate::admission::{Entrance, Source};
use crate::net::connection::Preread;
use crate::net::io::Socket;
use crate::net::shared::Shared;
use crate::protocol::proxy_header::Endpoints;
use crate::relay::{Entrant, Pass};
use crate::telemetry::log::Kind;
use crate::telemetry::metrics::Outcome;
use crate::time::Now;

impl<S: Socket> Connections<S> {
    /// Goes on with a connection whose header has arrived, and applies the limits to its client. Returns
    /// the bytes behind the header if they are for the session.
    pub(super) fn on_header(
        &mut self,
        key: usize,
        endpoints: Endpoints,
        preread: Preread,
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<Option<Preread>> {
        let Some(connection) = self.table.get_mut(key) else {
            return Ok(None);
        };
        let peer = connection.session.client();
        let (client, entrance) = match endpoints {
            Endpoints::Named { client, server } => {
                connection.destination = Some(Box::new(server));
                (client, shared.access.entrance_of_client(client.ip()))
            }
            Endpoints::Local => (peer, shared.access.entrance_of_client(peer.ip())),
            // A client that the proxy does not know is not the proxy itself.
            Endpoints::Unknown => (peer, Entrance::Protocol),
        };
        if entrance == Entrance::Exempt {
            self.exempt(key, client, preread, shared, now);
            return Ok(None);
        }
        connection
            .session
            .on_name(client, &shared.rules, now.moment);
        let source = Source::from(client.ip());
        if !self.limits.name(key, source, shared.relays_of(source))
            && let Some(reply) = connection.session.refuse(Refusal::ServerBusy, now.moment)
        {
            connection.answer(&reply, shared, now)?;
        }
        Ok(Some(preread))
    }

    /// Has a connection relayed whose client is exempt from the proof of work, or resets it if there is no
    /// place.
    fn exempt(
        &mut self,
        key: usize,
        client: ClientAddr,
        preread: Preread,
        shared: &mut Shared,
        now: Now,
    ) {
        let refusal = self.no_place_for_exempt(client.ip().into(), shared);
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        if let Some(reason) = refusal {
            connection.reset_on_close();
            log_reset(client, reason, shared, now);
            self.remove(key, Outcome::TurnedAway, shared, now);
        } else {
            connection.exempt(client, preread, &self.buffer, now.moment);
        }
    }

    /// Has a newcomer relayed that is exempt from the proof of work, or resets it if there is no place.
    pub(super) fn admit_exempt(
        &mut self,
        socket: S,
        client: ClientAddr,
        shared: &mut Shared,
        now: Now,
    ) {
        shared.log_event(now, Kind::Accepted, client);
        if let Some(reason) = self.no_place_for_exempt(client.ip().into(), shared) {
            return reset_exempt(&socket, client, reason, shared, now);
        }
        shared.metrics.closed(Outcome::Relayed);
        let entrant = Entrant {
            socket,
            client,
            pass: Pass::Exempt,
            destination: None,
            early: Box::default(),
            unsent: Box::default(),
        };
        self.enter(entrant, shared);
    }

    /// Counts a client that is to be relayed.
    pub(super) fn enter(&mut self, entrant: Entrant<S>, shared: &mut Shared) {
        if let Some(limits) = &mut shared.relay_limits {
            limits.enter(entrant.client.ip().into(), entrant.pass.fare());
        }
        self.entrants.push(entrant);
    }

    /// Returns why an exempt client of `source` cannot be relayed, if it cannot.
    fn no_place_for_exempt(&self, source: Source, shared: &Shared) -> Option<&'static str> {
        let has_relays = shared
            .relay_limits
            .as_ref()
            .is_some_and(|limits| !limits.is_full());
        if !has_relays {
            Some("all relays are in use")
        } else if self.limits.is_full_for(source, shared.relays_of(source)) {
            Some("too many connections of its source")
        } else {
            None
        }
    }
}

/// Resets a newcomer that is exempt from the proof of work: it would not understand an error.
pub(super) fn reset_exempt(
    socket: &impl Socket,
    client: ClientAddr,
    reason: &str,
    shared: &mut Shared,
    now: Now,
) {
    socket.set_reset_on_close(true);
    shared.metrics.closed(Outcome::TurnedAway);
    log_reset(client, reason, shared, now);
}

fn log_reset(client: ClientAddr, reason: &str, shared: &mut Shared, now: Now) {
    if shared.log.admits(now, Kind::ExemptReset) {
        let client = client.to_string();
        let fields = [
            ("client", Value::Text(&client)),
            ("reason", Value::Text(reason)),
        ];
        shared.log.limited_line(now, Kind::ExemptReset, &fields);
    }
}
