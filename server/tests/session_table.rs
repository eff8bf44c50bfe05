//! Guards the table "What the server answers" of PROTOCOL.md: each row as a test or two, on a session
//! without a socket. Rows about time are in `session_deadlines.rs`.

mod support;

use powtcp_common::hashcash::Dialect::{Hashcash, Powtcp};
use powtcp_common::hashcash::{Dialect, Stamp};
use support::conversation::{Conversation, SERVED, rules};
use support::solving::{line_with_counter, right_line, wrong_line};

const NOT_CORRECT: &str = "0:hashcash header not correct";
const NOT_FOUND: &str = "0:hashcash header not found";
const NO_MESSAGE: &str = "0:incorrect message format";
const TOO_LONG: &str = "0:message too long";
const TOO_MANY: &str = "0:too many puzzles requested";

fn conversation(dialect: Dialect) -> Conversation {
    Conversation::new(rules(dialect))
}

#[test]
fn a_puzzle_is_sent_and_its_stamp_buys_the_resource() {
    for (dialect, start) in [
        (Hashcash, "2:1:8:261122105400:127.0.0.1/52386::"),
        (Powtcp, "2:1:2:20261122105400:127.0.0.1:52386::"),
    ] {
        let mut talk = conversation(dialect);
        let puzzle = talk.puzzle();
        assert_eq!(puzzle, format!("{start}YWJjZGVmZ2hpamts:MA=="));
        assert_eq!(talk.session.end(), None);
        talk.ends_with(right_line(&puzzle), SERVED);
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
fn puzzles_are_given_up_to_the_allowance() {
    let mut talk = conversation(Hashcash);
    let puzzles: Vec<String> = (0..8).map(|_| talk.puzzle()).collect();
    assert!((1..8).all(|later| !puzzles[..later].contains(&puzzles[later])));
    talk.ends_with("1:\n", TOO_MANY);

    let mut talk = conversation(Hashcash);
    let last = (0..8).map(|_| talk.puzzle()).last();
    talk.ends_with(right_line(&last.unwrap()), SERVED);
}

#[test]
fn a_new_puzzle_replaces_the_one_before() {
    for dialect in [Hashcash, Powtcp] {
        let mut talk = conversation(dialect);
        let first = talk.puzzle();
        let second = talk.puzzle();
        assert_ne!(first, second);
        talk.ends_with(right_line(&first), NOT_FOUND);

        let mut talk = conversation(dialect);
        assert_eq!([talk.puzzle(), talk.puzzle()], [first, second.clone()]);
        talk.ends_with(right_line(&second), SERVED);
    }
}

#[test]
fn a_puzzle_is_good_for_one_answer_right_or_wrong() {
    for first in [right_line, wrong_line] {
        let mut talk = conversation(Hashcash);
        let puzzle = talk.puzzle();
        assert_eq!(talk.send(first(&puzzle)).len(), 1);
        assert!(talk.send(right_line(&puzzle)).is_empty());
    }
}

#[test]
fn text_that_is_no_stamp_is_not_correct_with_or_without_a_puzzle() {
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
        conversation(Hashcash).ends_with(&line, NOT_CORRECT);
        let mut talk = conversation(Hashcash);
        talk.puzzle();
        talk.ends_with(&line, NOT_CORRECT);
    }
}

#[test]
fn a_stamp_without_a_puzzle_is_not_found() {
    for dialect in [Hashcash, Powtcp] {
        let foreign = right_line(&conversation(dialect).puzzle());
        conversation(dialect).ends_with(foreign, NOT_FOUND);
    }
}

#[test]
fn a_stamp_with_any_field_changed_is_not_found_however_odd_the_field() {
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
                    continue; // EXT is empty as it is.
                }
                let mut talk = conversation(dialect);
                talk.puzzle();
                talk.ends_with(line, NOT_FOUND);
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
        talk.ends_with(foreign, NOT_FOUND);
    }
}

#[test]
fn a_stamp_with_too_few_zeros_is_not_correct() {
    for dialect in [Hashcash, Powtcp] {
        let mut talk = conversation(dialect);
        let puzzle = talk.puzzle();
        talk.ends_with(wrong_line(&puzzle), NOT_CORRECT);
        let mut talk = conversation(dialect);
        let unsolved = talk.puzzle().replacen("2:", "3:", 1);
        talk.ends_with(format!("{unsolved}\n"), NOT_CORRECT);
    }
}

#[test]
fn the_text_is_compared_before_the_hash() {
    let mut talk = conversation(Hashcash);
    let first = talk.puzzle();
    talk.puzzle();
    talk.ends_with(wrong_line(&first), NOT_FOUND);
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
        talk.ends_with(line, SERVED);
    }
}

#[test]
fn commands_of_the_server_and_lines_that_are_no_message_are_refused() {
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
        conversation(Hashcash).ends_with(line, NO_MESSAGE);
        let mut talk = conversation(Powtcp);
        talk.puzzle();
        talk.ends_with(line, NO_MESSAGE);
    }
}

#[test]
fn a_line_of_512_bytes_is_served_and_512_bytes_without_an_end_are_refused() {
    let line = |len: usize| format!("1:{}", "x".repeat(len - 2));
    assert_eq!(conversation(Hashcash).send(line(511) + "\n").len(), 1);
    assert_eq!(conversation(Hashcash).send(line(510) + "\r\n").len(), 1);
    assert!(conversation(Hashcash).send(line(511)).is_empty());
    conversation(Hashcash).ends_with(line(512), TOO_LONG);
    conversation(Hashcash).ends_with(line(512) + "\n", TOO_LONG);
    let mut talk = conversation(Hashcash);
    talk.puzzle();
    talk.ends_with(line(512), TOO_LONG);
}

#[test]
fn a_server_without_entropy_answers_with_an_internal_error() {
    let mut talk = conversation(Hashcash);
    talk.host.out_of_entropy = true;
    talk.ends_with("1:\n", "0:internal error");

    let mut talk = conversation(Hashcash);
    talk.puzzle();
    talk.host.out_of_entropy = true;
    talk.ends_with("1:\n", "0:internal error");
}

#[test]
fn lines_in_one_segment_are_answered_in_order_up_to_the_end() {
    let mut talk = conversation(Hashcash);
    let answers = talk.send("1:\n1:\n1:\n9:\n1:\n3:x\n");
    assert_eq!(answers.len(), 4, "{answers:?}");
    assert!(answers[..3].iter().all(|answer| answer.starts_with("2:")));
    assert_eq!(answers[3], NO_MESSAGE);
    assert!(talk.send("1:\n").is_empty());
}
