//! The relays of a gate: clients that have paid or are exempt, joined to the service behind the gate.
//!
//! A connection that is to be relayed leaves the table of connections, and its slot is free. It enters the table
//! of relays (`table`, `steps`), where each relay (`life`) first waits for its upstream (`dialing`); then two
//! `flow`s carry bytes between the two sides (`pair`).

mod dialing;
mod ending;
mod flow;
mod life;
mod network;
mod pair;
mod report;
mod steps;
mod table;
mod upstream;

use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use powtcp_common::address::ClientAddr;

pub use ending::Ending;
pub use flow::{Flow, FlowError, Sink};
pub use network::{Connecting, Dial, RelaySocket, SideEvent};
pub use pair::Side;
pub use table::Relays;
pub use upstream::{Upstream, UpstreamSocket};

use crate::admission::Fare;
use crate::protocol::Payment;
use crate::protocol::proxy_header::Version;

/// What a gate relays to, and for how long it waits; set by the operator.
#[derive(Debug, Clone)]
pub struct Gate<U = Upstream> {
    /// The service behind the gate.
    pub upstream: U,
    /// How long connecting to it may take.
    pub connect_timeout: Duration,
    /// How long a relay without traffic lasts; zero for ever.
    pub idle_timeout: Duration,
    /// The PROXY protocol header that the upstream gets before all other bytes, if any.
    pub send_proxy: Option<Version>,
}

/// Why a client is relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It has paid. It is told when the upstream is connected, and its payment is good again if that fails.
    Paid(Payment),
    /// It is exempt from the proof of work, and knows nothing of the protocol.
    Exempt,
}

impl Pass {
    /// Returns how the relay counts in the limits.
    pub fn fare(self) -> Fare {
        match self {
            Self::Paid(_) => Fare::Paid,
            Self::Exempt => Fare::Exempt,
        }
    }
}

/// A client that is to be relayed, with what belongs to its connection.
#[derive(Debug)]
pub struct Entrant<S = TcpStream> {
    /// The connection.
    pub socket: S,
    /// The address of the client.
    pub client: ClientAddr,
    /// Why it may enter.
    pub pass: Pass,
    /// The address to which it has connected, if a PROXY protocol header has named one.
    pub destination: Option<SocketAddr>,
    /// Bytes that it sent for the upstream already.
    pub early: Box<[u8]>,
    /// Answers that it has not taken yet.
    pub unsent: Box<[u8]>,
}
