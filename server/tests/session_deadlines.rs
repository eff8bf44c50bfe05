//! Guards what a session owes to time, to a shutdown and to calls that come late or twice. The times
//! are made up, so each instant around a deadline is looked at.

mod support;

use std::time::Duration;

use powtcp_common::hashcash::Dialect::{Hashcash, Powtcp};
use powtcp_common::refusal::Refusal;
use powtcp_server::moment::Moment;
use powtcp_server::session::{DELIVERY_TIMEOUT, End};
use support::conversation::{Conversation, SERVED, rules};
use support::solving::{right_line, wrong_line};

const EXPIRED: &str = "0:hashcash expiration exceeded";
const NOT_FOUND: &str = "0:hashcash header not found";
const TIMEOUT: &str = "0:timeout exceeded";
const SHUTTING_DOWN: &str = "0:server is shutting down";

/// Those of [`rules`].
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const TTL: Duration = Duration::from_secs(60);
const INSTANT: Duration = Duration::from_nanos(1);

fn conversation() -> Conversation {
    Conversation::new(rules(Hashcash))
}

/// A conversation with a puzzle that was sent at `at`.
fn puzzled(at: Duration) -> (Conversation, String) {
    let mut talk = conversation();
    let puzzle = talk.at(at).puzzle();
    (talk, puzzle)
}

#[test]
fn a_puzzle_must_be_requested_before_the_handshake_timeout() {
    let mut talk = conversation();
    assert_eq!(talk.session.deadline(), Moment::new(HANDSHAKE_TIMEOUT));
    assert!(talk.at(HANDSHAKE_TIMEOUT - INSTANT).deadline().is_empty());
    assert_eq!(talk.at(HANDSHAKE_TIMEOUT).deadline(), [TIMEOUT]);
    assert_eq!(talk.session.end(), Some(End::Refused));
    assert!(talk.deadline().is_empty());
}

#[test]
fn mere_traffic_does_not_extend_the_handshake_timeout() {
    let mut talk = conversation();
    for second in 0..10 {
        assert!(talk.at(Duration::from_secs(second)).send("1").is_empty());
        assert_eq!(talk.session.deadline(), Moment::new(HANDSHAKE_TIMEOUT));
    }
    assert_eq!(talk.at(HANDSHAKE_TIMEOUT).deadline(), [TIMEOUT]);
}

#[test]
fn a_puzzle_expires_when_its_ttl_has_passed_and_not_before() {
    let sent = Duration::from_secs(3);
    let (mut talk, _) = puzzled(sent);
    assert_eq!(talk.session.deadline(), Moment::new(sent + TTL));
    assert!(talk.at(HANDSHAKE_TIMEOUT).deadline().is_empty());
    assert!(talk.at(sent + TTL - INSTANT).deadline().is_empty());
    assert_eq!(talk.at(sent + TTL).deadline(), [EXPIRED]);
    assert_eq!(talk.session.end(), Some(End::Refused));
    assert!(talk.deadline().is_empty());
}

#[test]
fn pieces_of_a_stamp_do_not_extend_the_ttl() {
    let (mut talk, puzzle) = puzzled(Duration::ZERO);
    let line = right_line(&puzzle);
    let (start, end) = line.split_at(line.len() / 2);
    assert!(talk.at(TTL - INSTANT).send(start).is_empty());
    assert_eq!(talk.session.deadline(), Moment::new(TTL));
    assert_eq!(talk.at(TTL).deadline(), [EXPIRED]);
    assert!(talk.send(end).is_empty());
}

#[test]
fn a_solution_counts_up_to_the_ttl_and_a_late_one_is_refused() {
    for (at, answer) in [
        (Duration::ZERO, SERVED),
        (TTL - INSTANT, SERVED),
        (TTL, EXPIRED),
        (TTL * 1000, EXPIRED),
    ] {
        let (mut talk, puzzle) = puzzled(Duration::ZERO);
        talk.at(at).ends_with(right_line(&puzzle), answer);
    }
}

#[test]
fn the_age_is_looked_at_before_the_hash_and_after_the_text() {
    let (mut talk, puzzle) = puzzled(Duration::ZERO);
    talk.at(TTL).ends_with(wrong_line(&puzzle), EXPIRED);

    let foreign = Conversation::new(rules(Powtcp)).puzzle();
    let (mut talk, _) = puzzled(Duration::ZERO);
    talk.at(TTL).ends_with(right_line(&foreign), NOT_FOUND);

    let (mut talk, _) = puzzled(Duration::ZERO);
    talk.at(TTL)
        .ends_with("3:x\n", "0:hashcash header not correct");
}

#[test]
fn a_new_puzzle_has_a_ttl_of_its_own() {
    let (mut talk, _) = puzzled(Duration::ZERO);
    let second = talk.at(TTL - INSTANT).puzzle();
    assert!(talk.at(TTL).deadline().is_empty());
    talk.at(TTL * 2 - INSTANT * 2)
        .ends_with(right_line(&second), SERVED);
}

#[test]
fn after_its_end_a_session_waits_for_delivery_and_says_no_more() {
    let end = Duration::from_secs(2);
    let (mut served, puzzle) = puzzled(end);
    served.ends_with(right_line(&puzzle), SERVED);
    let (mut refused, _) = puzzled(end);
    refused.ends_with("9:\n", "0:incorrect message format");
    let (mut left, _) = puzzled(end);
    assert!(left.eof().is_empty());
    assert_eq!(left.session.end(), Some(End::Left));

    for mut talk in [served, refused, left] {
        let how = talk.session.end();
        assert_eq!(talk.session.deadline(), Moment::new(end + DELIVERY_TIMEOUT));
        talk.at(end + DELIVERY_TIMEOUT * 2);
        assert!(talk.send("1:\n3:x\n").is_empty());
        assert!(talk.send("x".repeat(600)).is_empty());
        assert!(talk.deadline().is_empty());
        assert!(talk.shutdown().is_empty());
        assert!(talk.refuse(Refusal::ServerBusy).is_empty());
        assert!(talk.eof().is_empty());
        assert_eq!(talk.session.end(), how);
        assert_eq!(talk.session.deadline(), Moment::new(end + DELIVERY_TIMEOUT));
    }
}

#[test]
fn end_of_stream_drops_a_partial_line_without_an_answer() {
    let mut talk = conversation();
    assert!(talk.send("1:").is_empty());
    assert!(talk.eof().is_empty());
    assert_eq!(talk.session.end(), Some(End::Left));
    assert!(talk.send("\n").is_empty());
}

#[test]
fn a_shutdown_ends_a_session_unless_its_client_holds_a_puzzle() {
    let mut fresh = conversation();
    assert_eq!(fresh.shutdown(), [SHUTTING_DOWN]);
    assert!(fresh.shutdown().is_empty());
    assert_eq!(fresh.session.end(), Some(End::Refused));

    let (mut holder, puzzle) = puzzled(Duration::ZERO);
    assert!(holder.shutdown().is_empty());
    holder.ends_with(right_line(&puzzle), SERVED);
}

#[test]
fn whoever_surrounds_a_session_can_end_it_in_any_state() {
    let (holder, _) = puzzled(Duration::ZERO);
    for mut talk in [conversation(), holder] {
        assert_eq!(talk.refuse(Refusal::ShuttingDown), [SHUTTING_DOWN]);
        assert_eq!(talk.session.end(), Some(End::Refused));
        assert!(talk.refuse(Refusal::ShuttingDown).is_empty());
    }
}
