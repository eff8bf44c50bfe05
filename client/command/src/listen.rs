//! Listens, and pays for and relays each local connection, for programs that know nothing of powtcp.

use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use powtcp_client::Payer;

use crate::gate::{self, Through};
use crate::leg::Leg;
use crate::relay::{Failure, copy};
use crate::report::Reporter;

/// Local connections that are paid for or relayed at once, with two threads each. Further ones wait in
/// the backlog. The bound keeps a program that opens connections without end from using up the threads
/// and the memory of this machine.
const MOST_RELAYS: usize = 256;

/// How long to wait after a failed accept, for example without a free descriptor.
const PAUSE: Duration = Duration::from_millis(100);

/// What all local connections share.
#[derive(Debug)]
struct Forwarder {
    payer: Payer,
    server: String,
    reporter: Arc<Reporter>,
    /// Locked during a payment: each puzzle is solved with all threads, so two at once would only make
    /// both late.
    payment: Mutex<()>,
    /// How many local connections are being served.
    open: Mutex<usize>,
    closed: Condvar,
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
    let listener = TcpListener::bind(address).map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    reporter.note(&format!("listening on {bound}"));
    let forwarder = Arc::new(Forwarder {
        payer,
        server,
        reporter,
        payment: Mutex::new(()),
        open: Mutex::new(0),
        closed: Condvar::new(),
    });
    loop {
        let place = Place::wait(&forwarder);
        match listener.accept() {
            Ok((stream, peer)) => {
                // From here on, dropping the socket resets the connection.
                let local = Leg::new(stream);
                let serve = move || place.0.serve(local, &peer.to_string());
                if let Err(error) = thread::Builder::new().spawn(serve) {
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

/// A place among the local connections that are served at once. It is free again when it is dropped.
struct Place(Arc<Forwarder>);

impl Place {
    /// Waits for a free place.
    fn wait(forwarder: &Arc<Forwarder>) -> Self {
        let is_full = |open: &mut usize| *open >= MOST_RELAYS;
        let open = forwarder.closed.wait_while(lock(&forwarder.open), is_full);
        *open.unwrap_or_else(PoisonError::into_inner) += 1;
        Self(Arc::clone(forwarder))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *lock(&self.0.open) -= 1;
        self.0.closed.notify_one();
    }
}

impl Forwarder {
    /// Serves one local connection, and tells why if it ends in another way than in order. Its socket
    /// is reset then.
    fn serve(&self, local: io::Result<Leg>, peer: &str) {
        let ended = local
            .map_err(|error| format!("the local connection broke: {error}"))
            .and_then(|local| relay(&local, self.pay()?));
        if let Err(text) = ended {
            self.reporter.complain(&format!("{peer}: {text}"));
        }
    }

    /// Pays for a connection, after those that came before.
    fn pay(&self) -> Result<Through, String> {
        let _turn = lock(&self.payment);
        let through = gate::connect(&self.payer, &self.server);
        self.reporter.end_progress();
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
