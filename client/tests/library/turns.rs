//! Payments that solve one after the other.

use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use powtcp_client::{Cancel, Paid, PayError, Payer, Progress};

use crate::fake_server::{PATIENCE, Script, result_of, serve};

/// A payment that solves for ever.
struct Endless {
    cancel: Cancel,
    payment: JoinHandle<Result<Paid, PayError>>,
}

impl Endless {
    /// Waits until it solves.
    #[track_caller]
    fn start(payer: &Payer) -> Self {
        let issues: Script = |peer| {
            peer.issue(40);
            peer.rest()
        };
        let (server, _results) = serve([issues]);
        let (sender, begins) = channel();
        let cancel = Cancel::new();
        let payer = payer.clone().cancel_with(&cancel);
        let payer = payer.on_progress(move |progress| {
            if matches!(progress, Progress::Solving(_)) {
                let _ = sender.send(());
            }
        });
        let payment = thread::spawn(move || payer.connect(&server));
        begins.recv_timeout(PATIENCE).expect("a search");
        Self { cancel, payment }
    }

    #[track_caller]
    fn assert_cancelled(self) {
        let ended = self.payment.join().expect("a thread without a panic");
        assert!(matches!(ended, Err(PayError::Cancelled)), "{ended:?}");
    }
}

/// Returns a payer whose payments solve in turn, and end only when a test ends them.
fn payer() -> Payer {
    Payer::new()
        .max_bits(64)
        .solve_timeout(PATIENCE * 100_000)
        .retries(0)
        .solve_in_turn()
}

#[test]
fn a_payment_waits_while_a_clone_of_its_payer_solves() {
    let payer = payer();
    let first = Endless::start(&payer);
    let serves: Script = |peer| {
        peer.issue(8);
        let stamp = peer.line();
        peer.send("4:paid\n");
        stamp
    };
    let (server, _results) = serve([serves]);
    let (sender, steps) = channel();
    let cancel = first.cancel.clone();
    let second = payer.on_progress(move |progress| {
        let is_queued = matches!(progress, Progress::Queued);
        if is_queued || matches!(progress, Progress::Solved(_)) {
            let _ = sender.send(is_queued);
            // Ends the turn of the first payment.
            cancel.cancel();
        }
    });
    let paid = second.connect(&server).expect("a payment");
    assert_eq!(paid.resource(), b"paid");
    assert_eq!(steps.recv(), Ok(true), "it did not wait");
    first.assert_cancelled();
}

#[test]
fn a_payment_that_waits_for_its_turn_hears_the_server() {
    let payer = payer();
    let first = Endless::start(&payer);
    let refuses: Script = |peer| {
        peer.issue(8);
        peer.send("0:server is busy\n");
        peer.rest()
    };
    let (server, _results) = serve([refuses]);
    let refused = payer.connect(&server);
    let text = b"server is busy";
    assert!(matches!(refused, Err(PayError::Refused(reason)) if reason == text));
    first.cancel.cancel();
    first.assert_cancelled();
}

#[test]
fn a_payment_that_waits_for_its_turn_can_be_cancelled() {
    let payer = payer();
    let first = Endless::start(&payer);
    let waits: Script = |peer| {
        peer.issue(8);
        peer.rest()
    };
    let (server, results) = serve([waits]);
    let cancel = Cancel::new();
    let second = payer.cancel_with(&cancel).on_progress(move |progress| {
        if matches!(progress, Progress::Queued) {
            cancel.cancel();
        }
    });
    let cancelled = second.connect(&server);
    assert!(
        matches!(cancelled, Err(PayError::Cancelled)),
        "{cancelled:?}"
    );
    assert_eq!(result_of(&results), "", "a stamp");
    first.cancel.cancel();
    first.assert_cancelled();
}
