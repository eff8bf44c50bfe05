//! Payments that are cancelled from another thread.

use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;

use powtcp_client::{Cancel, PayError, Payer, Progress};

use crate::fake_server::{PATIENCE, Script, serve};

/// Expects that a payment ends when it is cancelled at the first step that `is_due` accepts.
#[track_caller]
fn assert_ends(server: &str, is_due: fn(&Progress<'_>) -> bool) {
    let cancel = Cancel::new();
    let payer = Payer::new()
        .max_bits(64)
        .timeout(PATIENCE * 100)
        .solve_timeout(PATIENCE * 100_000)
        .cancel_with(&cancel)
        .on_progress(move |progress| {
            if is_due(progress) {
                cancel.cancel();
            }
        });
    let (sender, result) = channel();
    let server = server.to_string();
    thread::spawn(move || sender.send(payer.connect(&server)));
    let result = result.recv_timeout(PATIENCE).expect("a payment that ends");
    assert!(matches!(result, Err(PayError::Cancelled)), "{result:?}");
}

#[test]
fn a_payment_that_waits_for_a_puzzle_can_be_cancelled() {
    let (server, _results) = serve([|peer| peer.rest()]);
    assert_ends(&server, |step| matches!(step, Progress::Connected { .. }));
}

#[test]
fn a_search_can_be_cancelled() {
    let (server, _results) = serve([|peer| {
        peer.issue(40);
        peer.rest()
    }]);
    assert_ends(&server, |step| matches!(step, Progress::Solving(_)));
}

#[test]
fn a_payment_that_waits_for_the_resource_can_be_cancelled() {
    let (server, _results) = serve([|peer| {
        peer.issue(8);
        peer.rest()
    }]);
    assert_ends(&server, |step| matches!(step, Progress::StampSent(_)));
}

#[test]
fn a_payment_between_two_tries_can_be_cancelled() {
    let silent: Script = |peer| peer.line();
    let (server, _results) = serve([silent]);
    assert_ends(&server, |step| matches!(step, Progress::Retrying { .. }));
}

#[test]
fn a_payment_that_was_cancelled_before_connects_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = listener.local_addr().expect("a bound socket").to_string();
    let cancel = Cancel::new();
    cancel.cancel();
    let payer = Payer::new().cancel_with(&cancel);
    assert!(matches!(payer.connect(&server), Err(PayError::Cancelled)));
}
