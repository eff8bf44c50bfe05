//! Honest clients: each pays with the default settings of the client's library, over and over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use powtcp_client::{PayError, Payer};
use powtcp_testkit::PATIENCE;

/// Clients on threads of their own. They stop when this is dropped.
pub(crate) struct Honest {
    stop: Arc<AtomicBool>,
    payments: Receiver<Payment>,
    count: usize,
}

/// A payment of one client, which has a number.
type Payment = (usize, Result<(), PayError>);

impl Honest {
    /// Starts `count` clients of `server`.
    pub(crate) fn start(count: usize, server: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, payments) = mpsc::channel();
        for number in 0..count {
            let (stop, sender) = (Arc::clone(&stop), sender.clone());
            thread::spawn(move || pay_until(&stop, number, server, &sender));
        }
        Self {
            stop,
            payments,
            count,
        }
    }

    /// Waits until each client was served `times` times more.
    ///
    /// # Panics
    /// A payment failed, with all its retries.
    #[track_caller]
    pub(crate) fn expect_served(&self, times: usize) {
        let mut left = vec![times; self.count];
        while left.iter().any(|&left| left > 0) {
            let (number, payment) = self.payments.recv_timeout(PATIENCE).expect("a payment");
            expect_success(number, payment);
            left[number] = left[number].saturating_sub(1);
        }
    }

    /// Stops all clients and waits for their last payments.
    ///
    /// # Panics
    /// A payment failed, with all its retries.
    #[track_caller]
    pub(crate) fn stop(self) {
        self.stop.store(true, Relaxed);
        while let Ok((number, payment)) = self.payments.recv_timeout(PATIENCE) {
            expect_success(number, payment);
        }
    }
}

impl Drop for Honest {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

#[track_caller]
fn expect_success(number: usize, payment: Result<(), PayError>) {
    if let Err(error) = payment {
        panic!("client {number} was not served: {error}");
    }
}

fn pay_until(stop: &AtomicBool, number: usize, server: SocketAddr, payments: &Sender<Payment>) {
    let payer = Payer::new();
    while !stop.load(Relaxed) {
        let payment = payer.connect(&server.to_string()).map(drop);
        if payments.send((number, payment)).is_err() {
            return;
        }
    }
}
