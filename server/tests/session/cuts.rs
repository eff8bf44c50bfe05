//! Guards that the answers do not depend on how bytes are split into reads: every cut of a transcript
//! gives the same answers.

use powtcp_common::hashcash::Dialect;
use powtcp_common::hashcash::Dialect::{Hashcash, Powtcp};
use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::conversation::{Conversation, End, SERVED};
use crate::support::rules::rules;
use crate::support::solving::{right_line, wrong_line};

/// All answers, and how the session ended.
type Result = (Vec<String>, Option<End>);

/// Sends `pieces` one after the other.
fn result_of<'a>(dialect: Dialect, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result {
    let mut talk = Conversation::new(rules(dialect));
    let answers = pieces
        .into_iter()
        .flat_map(|piece| talk.send(piece))
        .collect();
    (answers, talk.end())
}

/// Returns three requests, the line that `stamp` makes of the last puzzle, and one line more.
fn handshake(dialect: Dialect, stamp: impl Fn(&str) -> String) -> String {
    let (puzzles, _) = result_of(dialect, [&b"1:\n1:\n1:\n"[..]]);
    format!("1:\n1:again\n1:\n{}1:\n", stamp(&puzzles[2]))
}

/// Returns transcripts, each with the last answer to it.
fn transcripts() -> Vec<(Dialect, String, String)> {
    let foreign = |puzzle: &str| right_line(puzzle).replacen("::", ":x:", 1);
    vec![
        (Hashcash, handshake(Hashcash, right_line), SERVED.into()),
        (Powtcp, handshake(Powtcp, right_line), SERVED.into()),
        (
            Hashcash,
            handshake(Hashcash, wrong_line),
            refusal(Refusal::StampNotCorrect),
        ),
        (
            Powtcp,
            handshake(Powtcp, foreign),
            refusal(Refusal::StampNotFound),
        ),
        (
            Hashcash,
            "1:\n3:no stamp\n1:\n".into(),
            refusal(Refusal::StampNotCorrect),
        ),
        (
            Hashcash,
            "1:\n".repeat(10),
            refusal(Refusal::TooManyPuzzles),
        ),
        (
            Hashcash,
            "1:\n7:seven\n1:\n".into(),
            refusal(Refusal::IncorrectMessage),
        ),
        (
            Hashcash,
            format!("1:\n1:{}\n1:\n", "x".repeat(520)),
            refusal(Refusal::MessageTooLong),
        ),
    ]
}

#[test]
fn every_cut_into_two_gives_the_same_answers() {
    for (dialect, text, last) in transcripts() {
        let bytes = text.as_bytes();
        let whole = result_of(dialect, [bytes]);
        assert_eq!(whole.0.last(), Some(&last));
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
fn a_second_carriage_return_is_refused_at_any_cut() {
    let (puzzles, _) = result_of(Hashcash, [&b"1:\n"[..]]);
    let text = format!("1:\n{}", right_line(&puzzles[0]).replace('\n', "\r\r\n"));
    for cut in 0..=text.len() {
        let (start, end) = text.as_bytes().split_at(cut);
        let (answers, _) = result_of(Hashcash, [start, end]);
        assert_eq!(answers[1..], [refusal(Refusal::StampNotCorrect)]);
    }
}
