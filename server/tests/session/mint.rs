//! Guards signed puzzles: whose stamps are accepted, on which connections, and how often.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_common::refusal::Refusal;
use powtcp_server::admission::Price;
use powtcp_server::protocol::Mint;
use powtcp_server::time::Moment;
use proptest::prelude::*;

use crate::support::conversation::Conversation;
use crate::support::rules::{SECRET, START, rules};
use crate::support::solving::{right_line, wrong_line};

const TTL: Duration = Duration::from_secs(60);
const CLIENT: &str = "127.0.0.1:52386";

/// Returns a price without a surcharge.
fn price(bits: u32) -> Price {
    let difficulty = Difficulty::from_bits(bits).expect("no more bits than SHA-1 has");
    Price {
        difficulty,
        level: difficulty,
    }
}

fn conversation() -> Conversation {
    Conversation::new(rules(Dialect::Hashcash))
}

/// Returns a conversation with `client`, and the line that solves its puzzle.
fn solved(client: &str) -> (Conversation, String) {
    let mut talk = Conversation::with_client(rules(Dialect::Hashcash), client);
    let line = right_line(&talk.puzzle());
    (talk, line)
}

/// The vectors of the protocol, for a puzzle that is made half a second after its DATE.
#[test]
fn puzzles_are_signed_as_the_protocol_specifies() {
    let vectors = [
        (
            CLIENT,
            "1:20:261122105400:127.0.0.1/52386::gAAAFDC8nz2ThAqq:MA==",
        ),
        (
            "[2001:db8::7]:52386",
            "1:20:261122105400:2001-db8--7/52386::gAAAFGwn/zxHwZ2p:MA==",
        ),
    ];
    let price = price(20);
    for (client, puzzle) in vectors {
        let client: SocketAddr = client.parse().expect("an address");
        let (made, _) =
            Mint::new(SECRET, START).make(client.into(), Dialect::Hashcash, price, Moment::START);
        assert_eq!(made.to_string(), puzzle);
    }
}

#[test]
fn puzzles_made_at_one_time_differ_and_are_in_order() {
    let mut talk = conversation();
    talk.rules.max_puzzles = 1000;
    let puzzles: HashSet<String> = (0..1000).map(|_| talk.puzzle()).collect();
    assert_eq!(puzzles.len(), 1000);
    let mut mint = Mint::new(SECRET, START);
    let client: SocketAddr = CLIENT.parse().expect("an address");
    let mut make = |_| {
        let made = mint.make(client.into(), Dialect::Hashcash, price(8), Moment::START);
        made.1
    };
    let times: Vec<_> = (0..1000).map(&mut make).collect();
    assert!(times.is_sorted_by(|one, other| one < other));
}

#[test]
fn a_stamp_may_come_first_on_any_connection_of_its_source() {
    for (client, others) in [
        (CLIENT, ["127.0.0.1:1", "[::ffff:127.0.0.1]:2"]),
        (
            "[2001:db8::7]:5",
            ["[2001:db8::7]:6", "[2001:db8::ffff:1]:5"],
        ),
    ] {
        for other in others {
            let (mut talk, line) = solved(client);
            talk.reconnect(other).expect_served(line);
        }
    }
}

#[test]
fn a_stamp_of_another_source_is_not_found() {
    for (client, other) in [
        (CLIENT, "127.0.0.2:52386"),
        ("[2001:db8::7]:5", "[2001:db8:0:1::7]:5"),
        ("[2001:db8::7]:5", "127.0.0.1:5"),
    ] {
        let (mut talk, line) = solved(client);
        talk.reconnect(other)
            .expect_refused(line, Refusal::StampNotFound);
    }
}

#[test]
fn a_puzzle_is_spent_by_its_first_right_stamp() {
    let (mut talk, line) = solved(CLIENT);
    talk.expect_served(&line);
    talk.reconnect(CLIENT)
        .expect_refused(&line, Refusal::StampNotFound);
    // Another counter of the same puzzle.
    let puzzle = line.trim_end().replacen("3:", "2:", 1);
    talk.reconnect(CLIENT)
        .expect_refused(wrong_line(&puzzle), Refusal::StampNotFound);
}

#[test]
fn a_wrong_stamp_spends_nothing() {
    let mut talk = conversation();
    let puzzle = talk.puzzle();
    talk.expect_refused(wrong_line(&puzzle), Refusal::StampNotCorrect);
    talk.reconnect(CLIENT).expect_served(right_line(&puzzle));
}

#[test]
fn a_refused_connection_spends_nothing() {
    let (mut talk, line) = solved(CLIENT);
    talk.refuse(Refusal::ServerBusy);
    talk.reconnect(CLIENT).expect_served(line);
}

#[test]
fn a_stamp_survives_a_restart_with_the_same_secret() {
    let (mut talk, line) = solved(CLIENT);
    talk.mint = Mint::new(SECRET, START + Duration::from_secs(30));
    talk.at(TTL - Duration::from_secs(31)).reconnect(CLIENT);
    talk.expect_served(&line);
    talk.mint = Mint::new(SECRET, START + Duration::from_secs(30));
    talk.at(TTL - Duration::from_secs(30)).reconnect(CLIENT);
    talk.expect_refused(&line, Refusal::PuzzleExpired);
}

#[test]
fn a_puzzle_from_a_clock_that_is_ahead_is_good_up_to_ten_seconds() {
    let (mut talk, line) = solved(CLIENT);
    talk.mint = Mint::new(SECRET, START - Duration::from_secs(10));
    talk.reconnect(CLIENT).expect_served(&line);
    talk.mint = Mint::new(SECRET, START - Duration::from_millis(10_001));
    talk.reconnect(CLIENT)
        .expect_refused(&line, Refusal::StampNotFound);
}

#[test]
fn a_spent_puzzle_that_is_dated_ahead_is_remembered_until_it_expires() {
    let (mut talk, line) = solved(CLIENT);
    talk.mint = Mint::new(SECRET, START - Duration::from_secs(10));
    talk.reconnect(CLIENT).expect_served(&line);
    for (second, why) in [(69, Refusal::StampNotFound), (70, Refusal::PuzzleExpired)] {
        talk.at(Duration::from_secs(second)).act_on_deadlines();
        // Spending others is what makes the server forget.
        for _ in 0..3 {
            let other = talk.reconnect("127.0.0.9:1").puzzle();
            talk.expect_served(right_line(&other));
        }
        talk.reconnect(CLIENT).expect_refused(&line, why);
    }
}

#[test]
fn a_late_stamp_is_not_accepted_twice_although_its_puzzle_has_expired() {
    // Two connections get a puzzle, and one of them is spent by a third connection.
    let (mut talk, line) = solved(CLIENT);
    let mut owner = std::mem::replace(&mut talk, conversation());
    talk.mint = std::mem::replace(&mut owner.mint, Mint::new(b"", START));
    talk.expect_served(&line);
    // The server is stopped until all is expired. Then the deadline of the owner is still to come.
    talk.at(TTL * 3);
    for _ in 0..3 {
        let other = talk.reconnect("127.0.0.9:1").puzzle();
        talk.expect_served(right_line(&other));
    }
    owner.mint = talk.mint;
    owner
        .at(TTL * 3)
        .expect_refused(&line, Refusal::StampNotFound);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_other_text_passes_for_a_stamp(position in 0..60_usize, byte in any::<u8>()) {
        let (mut talk, line) = solved(CLIENT);
        let mut changed = line.clone().into_bytes();
        let prefix_len = line.rfind(':').expect("a stamp has colons");
        let position = position % prefix_len;
        prop_assume!(changed[position] != byte);
        changed[position] = byte;
        let answers = talk.reconnect(CLIENT).send(&changed);
        prop_assert!(!answers.iter().any(|answer| answer.starts_with("4:")), "{answers:?}");
    }
}
