//! Guards how a session acts on time, on a shutdown, and on calls that come late or twice. The times
//! are made up, so that a test can use the instants right before and at a deadline.

use std::time::Duration;

use powtcp_common::hashcash::Dialect::{Hashcash, Powtcp};
use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::conversation::{Conversation, DELIVERY_TIMEOUT, End, SERVED};
use crate::support::rules::rules;
use crate::support::solving::{right_line, wrong_line};

/// The handshake timeout of [`rules`].
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The TTL of [`rules`].
const TTL: Duration = Duration::from_secs(60);
/// The resolution of the server's clock.
const INSTANT: Duration = Duration::from_nanos(1);

fn conversation() -> Conversation {
    Conversation::new(rules(Hashcash))
}

/// Returns a conversation whose client got a puzzle at `at`, and the puzzle.
fn puzzled(at: Duration) -> (Conversation, String) {
    let mut talk = conversation();
    let puzzle = talk.at(at).puzzle();
    (talk, puzzle)
}

#[test]
fn a_puzzle_must_be_requested_before_the_handshake_timeout() {
    let mut talk = conversation();
    assert_eq!(talk.deadline(), HANDSHAKE_TIMEOUT);
    assert!(
        talk.at(HANDSHAKE_TIMEOUT - INSTANT)
            .on_deadline()
            .is_empty()
    );
    assert_eq!(
        talk.at(HANDSHAKE_TIMEOUT).on_deadline(),
        [refusal(Refusal::TimeoutExceeded)]
    );
    assert_eq!(talk.end(), Some(End::Refused));
    assert!(talk.on_deadline().is_empty());
}

#[test]
fn traffic_does_not_extend_the_handshake_timeout() {
    let mut talk = conversation();
    for second in 0..10 {
        assert!(talk.at(Duration::from_secs(second)).send("1").is_empty());
        assert_eq!(talk.deadline(), HANDSHAKE_TIMEOUT);
    }
    assert_eq!(
        talk.at(HANDSHAKE_TIMEOUT).on_deadline(),
        [refusal(Refusal::TimeoutExceeded)]
    );
}

#[test]
fn a_puzzle_expires_when_its_ttl_has_passed_and_not_before() {
    let sent = Duration::from_secs(3);
    let (mut talk, _) = puzzled(sent);
    assert_eq!(talk.deadline(), sent + TTL);
    assert!(talk.at(HANDSHAKE_TIMEOUT).on_deadline().is_empty());
    assert!(talk.at(sent + TTL - INSTANT).on_deadline().is_empty());
    assert_eq!(
        talk.at(sent + TTL).on_deadline(),
        [refusal(Refusal::PuzzleExpired)]
    );
    assert_eq!(talk.end(), Some(End::Refused));
    assert!(talk.on_deadline().is_empty());
}

#[test]
fn pieces_of_a_stamp_do_not_extend_the_ttl() {
    let (mut talk, puzzle) = puzzled(Duration::ZERO);
    let line = right_line(&puzzle);
    let (start, end) = line.split_at(line.len() / 2);
    assert!(talk.at(TTL - INSTANT).send(start).is_empty());
    assert_eq!(talk.deadline(), TTL);
    assert_eq!(
        talk.at(TTL).on_deadline(),
        [refusal(Refusal::PuzzleExpired)]
    );
    assert!(talk.send(end).is_empty());
}

#[test]
fn a_stamp_counts_as_in_time_until_the_deadline_of_its_connection_is_acted_on() {
    for at in [Duration::ZERO, TTL - INSTANT, TTL, TTL * 1000] {
        let (mut talk, puzzle) = puzzled(Duration::ZERO);
        talk.at(at).expect_served(right_line(&puzzle));
    }
    let (mut talk, puzzle) = puzzled(Duration::ZERO);
    assert_eq!(
        talk.at(TTL).on_deadline(),
        [refusal(Refusal::PuzzleExpired)]
    );
    assert!(talk.send(right_line(&puzzle)).is_empty());
}

#[test]
fn on_another_connection_a_stamp_is_accepted_until_its_ttl_has_passed() {
    let expired = refusal(Refusal::PuzzleExpired);
    for (at, answer) in [
        (Duration::ZERO, SERVED),
        (TTL - INSTANT, SERVED),
        (TTL, &*expired),
        (TTL * 1000, &*expired),
    ] {
        let (mut talk, puzzle) = puzzled(Duration::ZERO);
        talk.at(at).reconnect("127.0.0.1:99");
        talk.expect_end(right_line(&puzzle), answer);
    }
}

#[test]
fn a_puzzle_older_than_the_first_of_the_connection_expires_by_its_own_ttl() {
    let (mut talk, old) = puzzled(Duration::ZERO);
    talk.at(TTL - INSTANT).reconnect("127.0.0.1:52386").puzzle();
    talk.at(TTL)
        .expect_refused(right_line(&old), Refusal::PuzzleExpired);
}

#[test]
fn the_age_is_checked_after_the_text_and_before_the_hash() {
    let (mut talk, puzzle) = puzzled(Duration::ZERO);
    talk.at(TTL).reconnect("127.0.0.1:99");
    talk.expect_refused(wrong_line(&puzzle), Refusal::PuzzleExpired);

    let foreign = Conversation::new(rules(Powtcp)).puzzle();
    let (mut talk, _) = puzzled(Duration::ZERO);
    talk.at(TTL)
        .expect_refused(right_line(&foreign), Refusal::StampNotFound);

    let (mut talk, _) = puzzled(Duration::ZERO);
    talk.at(TTL)
        .expect_refused("3:x\n", Refusal::StampNotCorrect);
}

#[test]
fn another_puzzle_has_a_ttl_of_its_own_but_gives_the_connection_no_more_time() {
    let (mut talk, _) = puzzled(Duration::ZERO);
    let second = talk.at(TTL - INSTANT).puzzle();
    assert_eq!(talk.deadline(), TTL);
    assert_eq!(
        talk.at(TTL).on_deadline(),
        [refusal(Refusal::PuzzleExpired)]
    );
    talk.at(TTL * 2 - Duration::from_millis(1))
        .reconnect("127.0.0.1:99");
    talk.expect_served(right_line(&second));
}

#[test]
fn an_ended_session_waits_for_delivery_and_answers_nothing() {
    let end = Duration::from_secs(2);
    let (mut served, puzzle) = puzzled(end);
    served.expect_served(right_line(&puzzle));
    let (mut refused, _) = puzzled(end);
    refused.expect_refused("9:\n", Refusal::IncorrectMessage);
    let (mut left, _) = puzzled(end);
    assert!(left.on_eof().is_empty());
    assert_eq!(left.end(), Some(End::Left));

    for mut talk in [served, refused, left] {
        let how = talk.end();
        assert_eq!(talk.deadline(), end + DELIVERY_TIMEOUT);
        talk.at(end + DELIVERY_TIMEOUT * 2);
        assert!(talk.send("1:\n3:x\n").is_empty());
        assert!(talk.send("x".repeat(600)).is_empty());
        assert!(talk.on_deadline().is_empty());
        assert!(talk.on_shutdown().is_empty());
        assert!(talk.refuse(Refusal::ServerBusy).is_empty());
        assert!(talk.on_eof().is_empty());
        assert_eq!(talk.end(), how);
        assert_eq!(talk.deadline(), end + DELIVERY_TIMEOUT);
    }
}

#[test]
fn end_of_stream_drops_a_partial_line_without_an_answer() {
    let mut talk = conversation();
    assert!(talk.send("1:").is_empty());
    assert!(talk.on_eof().is_empty());
    assert_eq!(talk.end(), Some(End::Left));
    assert!(talk.send("\n").is_empty());
}

#[test]
fn a_shutdown_ends_a_session_unless_its_client_holds_a_puzzle() {
    let mut fresh = conversation();
    assert_eq!(fresh.on_shutdown(), [refusal(Refusal::ShuttingDown)]);
    assert!(fresh.on_shutdown().is_empty());
    assert_eq!(fresh.end(), Some(End::Refused));

    let (mut holder, puzzle) = puzzled(Duration::ZERO);
    assert!(holder.on_shutdown().is_empty());
    holder.expect_served(right_line(&puzzle));
}

#[test]
fn a_session_can_be_ended_from_outside_in_any_state() {
    let (holder, _) = puzzled(Duration::ZERO);
    for mut talk in [conversation(), holder] {
        assert_eq!(
            talk.refuse(Refusal::ShuttingDown),
            [refusal(Refusal::ShuttingDown)]
        );
        assert_eq!(talk.end(), Some(End::Refused));
        assert!(talk.refuse(Refusal::ShuttingDown).is_empty());
    }
}
