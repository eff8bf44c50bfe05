//! Guards that it makes no difference to a session in which pieces its bytes arrive: every cut of a
//! transcript gives the same answers.

mod support;

use powtcp_common::hashcash::Dialect;
use powtcp_common::hashcash::Dialect::{Hashcash, Powtcp};
use powtcp_server::session::End;
use support::conversation::{Conversation, SERVED, rules};
use support::solving::{right_line, wrong_line};

/// What came back, and how the session ended.
type Result = (Vec<String>, Option<End>);

fn result_of<'a>(dialect: Dialect, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result {
    let mut talk = Conversation::new(rules(dialect));
    let answers = pieces
        .into_iter()
        .flat_map(|piece| talk.send(piece))
        .collect();
    (answers, talk.session.end())
}

/// Three requests, the last with the stamp that `stamp` makes of its puzzle, and a line too many.
fn handshake(dialect: Dialect, stamp: impl Fn(&str) -> String) -> String {
    let (puzzles, _) = result_of(dialect, [&b"1:\n1:\n1:\n"[..]]);
    format!("1:\n1:again\n1:\n{}1:\n", stamp(&puzzles[2]))
}

/// Transcripts, each with the last answer to it.
fn transcripts() -> Vec<(Dialect, String, &'static str)> {
    let foreign = |puzzle: &str| right_line(puzzle).replacen("::", ":x:", 1);
    vec![
        (Hashcash, handshake(Hashcash, right_line), SERVED),
        (Powtcp, handshake(Powtcp, right_line), SERVED),
        (
            Hashcash,
            handshake(Hashcash, wrong_line),
            "0:hashcash header not correct",
        ),
        (
            Powtcp,
            handshake(Powtcp, foreign),
            "0:hashcash header not found",
        ),
        (
            Hashcash,
            "1:\n3:no stamp\n1:\n".into(),
            "0:hashcash header not correct",
        ),
        (Hashcash, "1:\n".repeat(10), "0:too many puzzles requested"),
        (
            Hashcash,
            "1:\n7:seven\n1:\n".into(),
            "0:incorrect message format",
        ),
        (
            Hashcash,
            format!("1:\n1:{}\n1:\n", "x".repeat(520)),
            "0:message too long",
        ),
    ]
}

#[test]
fn every_cut_into_two_gives_the_same_answers() {
    for (dialect, text, last) in transcripts() {
        let bytes = text.as_bytes();
        let whole = result_of(dialect, [bytes]);
        assert_eq!(whole.0.last().map(String::as_str), Some(last));
        for cut in 0..=bytes.len() {
            let (start, end) = bytes.split_at(cut);
            assert_eq!(result_of(dialect, [start, end]), whole, "{cut} of {text:?}");
        }
    }
}

#[test]
fn byte_by_byte_gives_the_same_answers() {
    for (dialect, text, _) in transcripts() {
        let bytes = text.as_bytes();
        let whole = result_of(dialect, [bytes]);
        assert_eq!(result_of(dialect, bytes.chunks(1)), whole, "{text:?}");
    }
}

#[test]
fn every_cut_into_three_gives_the_same_answers() {
    let (puzzles, _) = result_of(Hashcash, [&b"1:\n"[..]]);
    let served = format!("1:\r\n{}", right_line(&puzzles[0]));
    let refused = "1:\n\n1:\n".to_string();
    for (text, answers) in [(served, 2), (refused, 2)] {
        let bytes = text.as_bytes();
        let whole = result_of(Hashcash, [bytes]);
        assert_eq!(whole.0.len(), answers);
        for second in 0..=bytes.len() {
            for first in 0..=second {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(
                    result_of(Hashcash, pieces),
                    whole,
                    "{first}, {second} of {text:?}"
                );
            }
        }
    }
}

#[test]
fn a_carriage_return_before_the_newline_changes_no_answer_at_any_cut() {
    for (dialect, text, _) in transcripts() {
        let whole = result_of(dialect, [text.as_bytes()]);
        let with_returns = text.replace('\n', "\r\n");
        let bytes = with_returns.as_bytes();
        assert_eq!(
            result_of(dialect, bytes.chunks(1)),
            whole,
            "{with_returns:?}"
        );
        for cut in 0..=bytes.len() {
            let (start, end) = bytes.split_at(cut);
            assert_eq!(
                result_of(dialect, [start, end]),
                whole,
                "{cut} of {with_returns:?}"
            );
        }
    }
}

#[test]
fn only_one_carriage_return_is_tolerated() {
    let (puzzles, _) = result_of(Hashcash, [&b"1:\n"[..]]);
    let text = format!("1:\n{}", right_line(&puzzles[0]).replace('\n', "\r\r\n"));
    for cut in 0..=text.len() {
        let (start, end) = text.as_bytes().split_at(cut);
        let (answers, _) = result_of(Hashcash, [start, end]);
        assert_eq!(answers[1..], ["0:hashcash header not correct"]);
    }
}
