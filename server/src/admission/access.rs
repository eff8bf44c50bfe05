//! How a connection begins, by the network that it comes from.

use std::net::IpAddr;

use super::{Networks, Source};

/// Networks whose connections do not begin with the protocol; set by the operator.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Balancers, whose connections begin with a PROXY protocol header.
    pub accept_proxy: Networks,
    /// Clients that are relayed without a proof of work.
    pub exempt: Networks,
}

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// With the protocol.
    Protocol,
    /// With a PROXY protocol header, which says who the client is.
    Header,
    /// With the bytes for the upstream.
    Exempt,
}

impl Entrance {
    /// Returns the source that a new connection from `peer` counts against.
    pub fn source(self, peer: IpAddr) -> Source {
        match self {
            Self::Header => Source::UNNAMED,
            Self::Protocol | Self::Exempt => peer.into(),
        }
    }
}

impl Access {
    /// Returns how a connection from `peer` begins.
    pub fn entrance(&self, peer: IpAddr) -> Entrance {
        if self.accept_proxy.contains(peer) {
            Entrance::Header
        } else {
            self.entrance_of_client(peer)
        }
    }

    /// Returns how a connection continues after a header that has named this client.
    pub fn entrance_of_client(&self, client: IpAddr) -> Entrance {
        if self.exempt.contains(client) {
            Entrance::Exempt
        } else {
            Entrance::Protocol
        }
    }
}
