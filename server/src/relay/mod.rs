//! The relays of a gate: clients that have paid, joined to the service behind the gate.
//!
//! A connection that is paid for leaves the table of connections, and its slot is free. It enters the table
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

use std::time::Duration;

use mio::net::TcpStream;
use powtcp_common::address::ClientAddr;

pub use ending::Ending;
pub use flow::{Flow, FlowError, Sink};
pub use network::{Connecting, Dial, RelaySocket, SideEvent};
pub use pair::Side;
pub use table::Relays;
pub use upstream::{Upstream, UpstreamSocket};

use crate::protocol::Payment;

/// What a gate relays to, and for how long it waits; set by the operator.
#[derive(Debug, Clone)]
pub struct Gate<U = Upstream> {
    /// The service behind the gate.
    pub upstream: U,
    /// How long connecting to it may take.
    pub connect_timeout: Duration,
    /// How long a relay without traffic lasts; zero for ever.
    pub idle_timeout: Duration,
}

/// A client that has paid, with what belongs to its connection.
#[derive(Debug)]
pub struct Paid<S = TcpStream> {
    /// The connection.
    pub socket: S,
    /// The address of the client.
    pub client: ClientAddr,
    /// What it has paid with.
    pub payment: Payment,
    /// Bytes behind its stamp, for the upstream.
    pub early: Box<[u8]>,
    /// Answers that it has not taken yet.
    pub unsent: Box<[u8]>,
}
