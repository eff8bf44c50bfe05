//! Listens, and pays for and relays each local connection, for programs that know nothing of powtcp.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use powtcp_client::{Cancel, Payer};

use crate::gate::{self, Through};
use crate::leg::Leg;
use crate::places::Places;
use crate::relay::{Failure, copy};
use crate::report::Reporter;

/// Local connections that are paid for or relayed at once, with two threads each. Further ones wait in
/// the backlog. The bound keeps a program that opens connections without end from using up the threads
/// and the memory of this machine.
const MOST_CONNECTIONS: usize = 256;

/// Payments under way at once, of which one solves. The others connect, wait for an answer or for a retry,
/// so one connection that the gate leaves without an answer does not stop the rest. The bound is low
/// because a puzzle can expire while its payment waits for its turn to solve.
pub const MOST_PAYMENTS: usize = 4;

/// How long to wait after a failed accept, for example without a free descriptor.
const PAUSE: Duration = Duration::from_millis(100);

/// A client that listens, and what all its connections share.
#[derive(Debug)]
pub struct Forwarder {
    listener: TcpListener,
    server: String,
    payer: Payer,
    reporter: Arc<Reporter>,
    connections: Places,
    payments: Places,
}

/// Listens on `address`, `HOST:PORT`, and relays each connection through the gate `server`. Returns only
/// with an error.
///
/// # Errors
/// What the command prints: it cannot listen there.
pub fn run(
    address: &str,
    server: String,
    payer: Payer,
    reporter: Arc<Reporter>,
) -> Result<(), String> {
    let cannot = |error: io::Error| format!("cannot listen on {address}: {error}");
    let forwarder = Forwarder::bind(address, server, payer, reporter).map_err(cannot)?;
    let bound = forwarder.local_addr().map_err(cannot)?;
    forwarder.reporter.note(&format!("listening on {bound}"));
    forwarder.serve()
}

impl Forwarder {
    /// Listens on `address`, `HOST:PORT`, for connections to relay through the gate `server`.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn bind(
        address: &str,
        server: String,
        payer: Payer,
        reporter: Arc<Reporter>,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address)?,
            server,
            payer: payer.solve_in_turn(),
            reporter,
            connections: Places::new(MOST_CONNECTIONS),
            payments: Places::new(MOST_PAYMENTS),
        })
    }

    /// Sets how many connections are paid for or relayed at once.
    #[must_use]
    pub fn at_most(mut self, connections: usize) -> Self {
        self.connections = Places::new(connections);
        self
    }

    /// Returns the address that it listens on.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves connections for ever.
    pub fn serve(self) -> ! {
        let forwarder = Arc::new(self);
        loop {
            let place = forwarder.connections.wait();
            match forwarder.listener.accept() {
                Ok((stream, peer)) => {
                    // From here on, dropping the socket resets the connection.
                    let local = Leg::new(stream);
                    let shared = Arc::clone(&forwarder);
                    let relay = move || {
                        shared.relay(local, &peer.to_string());
                        drop(place);
                    };
                    if let Err(error) = thread::Builder::new().spawn(relay) {
                        let text = format!("{peer}: cannot start a thread: {error}");
                        forwarder.reporter.complain(&text);
                    }
                }
                Err(error) => {
                    let text = format!("cannot accept a connection: {error}");
                    forwarder.reporter.complain(&text);
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Relays one local connection, and tells why if it ends in another way than in order. Its socket
    /// is reset then.
    fn relay(&self, local: io::Result<Leg>, peer: &str) {
        let ended = local
            .map_err(|error| format!("the local connection broke: {error}"))
            .and_then(|local| {
                let local = Arc::new(local);
                relay(&local, self.pay(&local)?)
            });
        if let Err(text) = ended {
            self.reporter.complain(&format!("{peer}: {text}"));
        }
    }

    /// Pays for a connection, unless its program resets it before.
    fn pay(&self, local: &Arc<Leg>) -> Result<Through, String> {
        let _place = self.payments.wait();
        let cancel = Cancel::new();
        let watch = {
            let (local, cancel) = (Arc::clone(local), cancel.clone());
            move || {
                if local.take_reset() {
                    cancel.cancel();
                }
            }
        };
        watch();
        let reporter = Arc::clone(&self.reporter);
        let payer = self.payer.clone().cancel_with(&cancel);
        let payer = payer.on_progress(move |progress| {
            watch();
            reporter.tell(progress);
        });
        let through = gate::connect(&payer, &self.server);
        self.reporter.end_progress();
        if cancel.is_cancelled() {
            return Err("the local connection was reset before it was relayed".to_string());
        }
        through
    }
}

/// Relays both directions until both have ended, or until one fails. The other one is woken then.
///
/// # Errors
/// What the command prints.
fn relay(local: &Leg, through: Through) -> Result<(), String> {
    let Through { leg, read_ahead } = through;
    let failed = OnceLock::new();
    let is_failed = || failed.get().is_some();
    let fail = |text: String| {
        let _ = failed.set(text);
        local.end_reading();
        leg.end_reading();
    };
    let upward = || match copy(local, &leg, is_failed) {
        // If the connection is closed already, the other direction sees that.
        Ok(()) => drop(leg.end_writing()),
        Err(Failure::GivenUp) => {}
        Err(Failure::Read(error)) => fail(format!("the local connection broke: {error}")),
        Err(Failure::Write(error)) => fail(format!("the connection broke: {error}")),
    };
    let downward = || match copy(read_ahead.as_slice().chain(&leg), local, is_failed) {
        Ok(()) => drop(local.end_writing()),
        Err(Failure::GivenUp) => {}
        Err(Failure::Read(error)) => fail(format!("the connection broke: {error}")),
        Err(Failure::Write(error)) => fail(format!("the local connection broke: {error}")),
    };
    thread::scope(
        |scope| match thread::Builder::new().spawn_scoped(scope, upward) {
            Ok(_) => downward(),
            Err(error) => fail(format!("cannot start a thread: {error}")),
        },
    );
    match failed.into_inner() {
        Some(text) => Err(text),
        None => {
            local.keep();
            leg.keep();
            Ok(())
        }
    }
}
