//! What follows the PROXY protocol header of a connection.

use std::io;

use powtcp_common::address::ClientAddr;
use powtcp_common::refusal::Refusal;

use super::Connections;
use crate::admission::Source;
use crate::net::io::Socket;
use crate::net::shared::Shared;
use crate::protocol::ProxyHeader;
use crate::time::Now;

impl<S: Socket> Connections<S> {
    /// Applies the limits to a connection whose client has become known. Its session goes on, unless it is
    /// turned away.
    pub(super) fn on_header(
        &mut self,
        key: usize,
        header: ProxyHeader,
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<()> {
        let Some(connection) = self.table.get_mut(key) else {
            return Ok(());
        };
        let client = match header {
            ProxyHeader::Client { client, .. } => ClientAddr::from(client),
            ProxyHeader::Local | ProxyHeader::Unknown => connection.session.client(),
        };
        connection
            .session
            .on_name(client, &shared.rules, now.moment);
        let source = Source::from(client.ip());
        if !self.limits.name(key, source, shared.relays_of(source))
            && let Some(reply) = connection.session.refuse(Refusal::ServerBusy, now.moment)
        {
            connection.answer(&reply, shared, now)?;
        }
        Ok(())
    }
}
