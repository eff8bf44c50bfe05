//! Guards the table of what the server answers to each input: one or two tests for each row, on a
//! session without a socket. Rows about time are in `deadlines.rs`.

use powtcp_common::hashcash::Dialect::{Hashcash, Powtcp};
use powtcp_common::hashcash::{Dialect, Stamp};
use powtcp_common::refusal::Refusal::{self, *};
use powtcp_server::protocol::Mint;

use crate::support::answers::refusal;
use crate::support::conversation::Conversation;
use crate::support::rules::{START, rules};
use crate::support::solving::{line_with_counter, right_line, wrong_line};

/// Every text that a server refuses with, as the protocol spells it. All other tests take the texts
/// from [`Refusal`], so that this one alone fails when a text changes.
#[test]
fn each_refusal_has_the_text_of_the_protocol() {
    let texts = [
        (TooManyPuzzles, "too many puzzles requested"),
        (StampNotCorrect, "hashcash header not correct"),
        (StampNotFound, "hashcash header not found"),
        (PuzzleExpired, "hashcash expiration exceeded"),
        (TimeoutExceeded, "timeout exceeded"),
        (IncorrectMessage, "incorrect message format"),
        (MessageTooLong, "message too long"),
        (ServerBusy, "server is busy"),
        (ShuttingDown, "server is shutting down"),
        (InternalError, "internal error"),
        (ServiceUnavailable, "service unavailable"),
    ];
    assert_eq!(texts.map(|(why, _)| why), Refusal::ALL);
    for (why, text) in texts {
        let mut talk = conversation(Hashcash);
        assert_eq!(talk.refuse(why), [format!("0:{text}")]);
    }
}

fn conversation(dialect: Dialect) -> Conversation {
    Conversation::new(rules(dialect))
}

#[test]
fn a_puzzle_is_sent_and_its_stamp_buys_the_resource() {
    for (dialect, start) in [
        (
            Hashcash,
            "2:1:8:261122105400:127.0.0.1/52386::gAAACMUqdXZc4B9e",
        ),
        (
            Powtcp,
            "2:1:2:20261122105400:127.0.0.1:52386::gAAACKmhqCWOSAet",
        ),
    ] {
        let mut talk = conversation(dialect);
        let puzzle = talk.puzzle();
        assert_eq!(puzzle, format!("{start}:MA=="));
        assert_eq!(talk.end(), None);
        talk.expect_served(right_line(&puzzle));
    }
}

#[test]
fn the_payload_of_a_puzzle_request_is_ignored() {
    for request in [&b"1:\n"[..], b"1:\r\n", b"1:anything: \xff\0\x1b\n"] {
        let answers = conversation(Hashcash).send(request);
        assert!(matches!(&answers[..], [puzzle] if puzzle.starts_with("2:1:8:")));
    }
}

#[test]
fn puzzles_are_sent_up_to_the_allowance() {
    let mut talk = conversation(Hashcash);
    let puzzles: Vec<String> = (0..8).map(|_| talk.puzzle()).collect();
    assert!((1..8).all(|later| !puzzles[..later].contains(&puzzles[later])));
    talk.expect_refused("1:\n", TooManyPuzzles);

    let mut talk = conversation(Hashcash);
    let last = (0..8).map(|_| talk.puzzle()).last();
    talk.expect_served(right_line(&last.unwrap()));
}

#[test]
fn every_puzzle_of_a_connection_buys_the_resource() {
    for dialect in [Hashcash, Powtcp] {
        for choice in 0..3 {
            let mut talk = conversation(dialect);
            let puzzles: Vec<String> = (0..3).map(|_| talk.puzzle()).collect();
            talk.expect_served(right_line(&puzzles[choice]));
        }
    }
}

#[test]
fn a_connection_takes_one_stamp_right_or_wrong() {
    for first in [right_line, wrong_line] {
        let mut talk = conversation(Hashcash);
        let puzzle = talk.puzzle();
        assert_eq!(talk.send(first(&puzzle)).len(), 1);
        assert!(talk.send(right_line(&puzzle)).is_empty());
    }
}

#[test]
fn text_that_is_not_a_stamp_is_not_correct_with_or_without_a_puzzle() {
    let rest = "261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts";
    let texts = [
        String::new(),
        "Don't Panic.".into(),
        "1:8:261122105400:127.0.0.1/52386:YWJjZGVmZ2hpamts:MA==".into(),
        format!("0:8:{rest}:MA=="),
        format!("2:8:{rest}:MA=="),
        format!("11:8:{rest}:MA=="),
        format!(":8:{rest}:MA=="),
        format!("1:8:{rest}:"),
        format!("1:8:{rest}:{}", "A".repeat(33)),
        format!("1:8:{rest}:MA==\r"),
        format!("1:8:{rest}:MA-_"),
        format!("1:8:{rest}: MA=="),
        format!("1:8:{rest}:M\u{e4}=="),
    ];
    for text in texts {
        let line = format!("3:{text}\r\n");
        conversation(Hashcash).expect_refused(&line, StampNotCorrect);
        let mut talk = conversation(Hashcash);
        talk.puzzle();
        talk.expect_refused(&line, StampNotCorrect);
    }
}

#[test]
fn a_stamp_of_another_secret_is_not_found() {
    for dialect in [Hashcash, Powtcp] {
        let stamp = right_line(&conversation(dialect).puzzle());
        let mut talk = conversation(dialect);
        talk.mint = Mint::new(b"another secret of the same length", START);
        talk.expect_refused(stamp, StampNotFound);
    }
}

#[test]
fn a_stamp_with_any_field_changed_is_not_found() {
    for dialect in [Hashcash, Powtcp] {
        let stamp = right_line(&conversation(dialect).puzzle());
        let fields: Vec<&str> = stamp.split(':').collect();
        let counter = fields.len() - 1;
        for place in 2..counter {
            for odd in [
                "",
                "x",
                "-1",
                "0008",
                "99999999999999999999",
                " ",
                "a:b",
                "\u{1b}",
            ] {
                let mut changed = fields.clone();
                changed[place] = odd;
                let line = changed.join(":");
                if line == stamp {
                    continue; // EXT is empty already.
                }
                let mut talk = conversation(dialect);
                talk.puzzle();
                talk.expect_refused(line, StampNotFound);
            }
        }
    }
}

#[test]
fn a_stamp_of_the_other_dialect_is_not_found() {
    for (own, other) in [(Hashcash, Powtcp), (Powtcp, Hashcash)] {
        let foreign = right_line(&conversation(other).puzzle());
        let mut talk = conversation(own);
        talk.puzzle();
        talk.expect_refused(foreign, StampNotFound);
    }
}

#[test]
fn a_stamp_with_too_few_zeros_is_not_correct() {
    for dialect in [Hashcash, Powtcp] {
        let mut talk = conversation(dialect);
        let puzzle = talk.puzzle();
        talk.expect_refused(wrong_line(&puzzle), StampNotCorrect);
        let mut talk = conversation(dialect);
        let unsolved = talk.puzzle().replacen("2:", "3:", 1);
        talk.expect_refused(format!("{unsolved}\n"), StampNotCorrect);
    }
}

#[test]
fn the_signature_is_checked_before_the_hash() {
    let puzzle = conversation(Hashcash).puzzle();
    let forged = wrong_line(&puzzle.replacen("127.0.0.1", "127.0.0.2", 1));
    conversation(Hashcash).expect_refused(forged, StampNotFound);
}

#[test]
fn any_spelling_of_a_counter_counts_if_the_hash_is_right() {
    let spellings: [fn(u64) -> String; 4] = [
        |counter| format!("{counter:x}"),
        |counter| format!("{counter:032X}"),
        |counter| format!("{counter}/+="),
        |counter| format!("={counter}"),
    ];
    for spell in spellings {
        let mut talk = conversation(Hashcash);
        let line = line_with_counter(&talk.puzzle(), (0..).map(spell));
        assert!(Stamp::parse(line["3:".len()..].trim_end().as_bytes()).is_ok());
        talk.expect_served(line);
    }
}

#[test]
fn commands_of_the_server_and_lines_that_are_not_messages_are_refused() {
    let lines = [
        "0:\n",
        "2:x\n",
        "4:x\n",
        "5:\n",
        "9:\n",
        "\n",
        "\r\n",
        "1\n",
        "3\n",
        ":\n",
        "01:\n",
        " 1:\n",
        "\u{feff}1:\n",
        "GET / HTTP/1.1\r\n",
        "1;\n",
    ];
    for line in lines {
        conversation(Hashcash).expect_refused(line, IncorrectMessage);
        let mut talk = conversation(Powtcp);
        talk.puzzle();
        talk.expect_refused(line, IncorrectMessage);
    }
}

#[test]
fn a_line_of_512_bytes_is_served_and_512_bytes_without_an_end_are_refused() {
    let line = |len: usize| format!("1:{}", "x".repeat(len - 2));
    assert_eq!(conversation(Hashcash).send(line(511) + "\n").len(), 1);
    assert_eq!(conversation(Hashcash).send(line(510) + "\r\n").len(), 1);
    assert!(conversation(Hashcash).send(line(511)).is_empty());
    conversation(Hashcash).expect_refused(line(512), MessageTooLong);
    conversation(Hashcash).expect_refused(line(512) + "\n", MessageTooLong);
    let mut talk = conversation(Hashcash);
    talk.puzzle();
    talk.expect_refused(line(512), MessageTooLong);
}

#[test]
fn lines_in_one_segment_are_answered_in_order_up_to_the_end() {
    let mut talk = conversation(Hashcash);
    let answers = talk.send("1:\n1:\n1:\n9:\n1:\n3:x\n");
    assert_eq!(answers.len(), 4, "{answers:?}");
    assert!(answers[..3].iter().all(|answer| answer.starts_with("2:")));
    assert_eq!(answers[3], refusal(IncorrectMessage));
    assert!(talk.send("1:\n").is_empty());
}
