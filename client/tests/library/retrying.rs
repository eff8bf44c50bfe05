//! Retries, and a stamp that is kept over connections.

use powtcp_client::{PayError, Payer};

use crate::fake_server::{Peer, Script, result_of, serve};

fn is_busy(peer: &mut Peer) -> String {
    peer.issue(8);
    let stamp = peer.line();
    peer.send("0:server is busy\n");
    stamp
}

fn knows_no_stamp(peer: &mut Peer) -> String {
    let stamp = peer.line();
    peer.send("0:hashcash header not found\n");
    stamp
}

fn serves_a_stamp(peer: &mut Peer) -> String {
    let stamp = peer.line();
    peer.send("4:paid\n");
    stamp
}

fn serves(peer: &mut Peer) -> String {
    peer.issue(8);
    serves_a_stamp(peer)
}

#[test]
fn a_stamp_is_kept_over_a_reconnection() {
    let (server, results) = serve([is_busy, serves_a_stamp]);
    let paid = Payer::new().connect(&server).expect("a payment");
    assert_eq!(paid.resource(), b"paid");
    let [first, second] = [(); 2].map(|()| result_of(&results));
    assert!(first.starts_with("3:1:8:"), "{first}");
    assert_eq!(first, second);
}

#[test]
fn a_stamp_that_is_not_found_leads_to_a_new_puzzle_as_one_of_the_tries() {
    let scripts: [Script; 3] = [is_busy, knows_no_stamp, serves];
    let (server, _results) = serve(scripts);
    assert!(Payer::new().retries(2).connect(&server).is_ok());
    let (server, _results) = serve(scripts);
    let error = Payer::new().retries(1).connect(&server);
    let text = b"hashcash header not found";
    assert!(matches!(error, Err(PayError::Refused(reason)) if reason == text));
}

#[test]
fn a_connection_without_a_word_is_retried() {
    let silent: Script = |peer| peer.line();
    let (server, _results) = serve([silent, silent, serves]);
    assert!(Payer::new().retries(2).connect(&server).is_ok());
    let (server, _results) = serve([silent, serves]);
    let error = Payer::new().retries(0).connect(&server);
    assert!(matches!(error, Err(PayError::Closed(_))), "{error:?}");
}
