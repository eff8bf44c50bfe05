//! Guards sessions whose puzzles have a price that follows the load: what the price does to a puzzle that is
//! still out, and what a stamp counts at another instance.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_common::refusal::Refusal;
use powtcp_server::admission::Pricing;
use powtcp_server::time::Moment;

use crate::support::conversation::Conversation;
use crate::support::rules::rules;
use crate::support::solving::right_line;

/// Starts a conversation at 4 to 12 bits, with a target of one client a second.
fn conversation() -> Conversation {
    let bits = |bits| Difficulty::from_bits(bits).expect("fewer bits than SHA-1 has");
    let mut talk = Conversation::new(rules(Dialect::Hashcash));
    talk.pricing = Pricing::new(bits(4)..=bits(12), 1, Dialect::Hashcash, [7; 32]);
    talk
}

/// Lets other clients pay until a puzzle costs 12 bits.
fn raise(talk: &mut Conversation, now: Moment) {
    let level = Difficulty::from_bits(12).expect("fewer bits than SHA-1 has");
    for number in 0..200 {
        let source = IpAddr::V4(Ipv4Addr::from_bits(number)).into();
        talk.pricing.served(source, level, 1.0, now);
    }
    assert_eq!(talk.pricing.level(1.0, now), level);
}

#[test]
fn a_puzzle_that_has_become_too_cheap_is_good_for_two_seconds_on_its_own_connection_too() {
    for (millis, is_good) in [(1_990, true), (2_010, false)] {
        for reconnects in [false, true] {
            let mut talk = conversation();
            let line = right_line(&talk.puzzle());
            let now = Duration::from_millis(millis);
            raise(&mut talk, Moment::new(now));
            talk.at(now);
            if reconnects {
                talk.reconnect("127.0.0.1:1");
            }
            if is_good {
                talk.expect_served(&line);
            } else {
                talk.expect_refused(&line, Refusal::PuzzleExpired);
            }
        }
    }
}

#[test]
fn a_puzzle_that_costs_what_is_asked_is_good_for_its_whole_ttl() {
    let mut talk = conversation();
    raise(&mut talk, Moment::START);
    let line = right_line(&talk.puzzle());
    talk.at(Duration::from_secs(59));
    talk.expect_served(&line);
}

#[test]
fn a_stamp_counts_at_another_instance_with_the_level_that_stands_in_it() {
    let mut one = conversation();
    raise(&mut one, Moment::START);
    let line = right_line(&one.puzzle());
    let mut other = conversation();
    raise(&mut other, Moment::START);
    let before = other.pricing.proven_work(Moment::START).unwrap();
    other.expect_served(&line);
    let after = other.pricing.proven_work(Moment::START).unwrap();
    // The mean of two seconds: 12 bits are 4,096 hashes.
    assert_eq!(after - before, 2_048.0);
}
