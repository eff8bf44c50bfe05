//! Guards every answer of a session against the protocol as its page tells it: bytes that are right,
//! nearly right or anything, cut anywhere, at times around every deadline, with every other call of a
//! session in between.

mod support;

use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_common::refusal::Refusal;
use powtcp_server::moment::Moment;
use powtcp_server::turn::Rules;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use support::conversation::{Conversation, rules};
use support::protocol::{Protocol, stamp};

/// How much later something happens.
#[derive(Debug, Clone, Copy)]
enum Wait {
    Milliseconds(u64),
    /// So many nanoseconds off the session's deadline, if that is later.
    Deadline(i64),
}

#[derive(Debug, Clone)]
enum Act {
    /// Texts in pieces that are cut at these places.
    Send(Vec<Text>, Vec<Index>),
    Eof,
    Deadline,
    Shutdown,
    Busy,
    OutOfEntropy(bool),
}

/// Some bytes, most often a line.
#[derive(Debug, Clone)]
enum Text {
    /// These bytes.
    Raw(Vec<u8>),
    /// Asks for a puzzle, with this payload.
    Ask(Vec<u8>, Ending),
    /// A stamp of the puzzle that is so many before the last.
    Stamp {
        age: usize,
        right: bool,
        edit: Option<Edit>,
        ending: Ending,
    },
    /// A line of so many bytes, its ending not counted.
    Long(usize, Ending),
}

type Ending = &'static str;

/// What is done to a stamp.
#[derive(Debug, Clone)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    /// A counter of so many characters.
    Counter(usize),
}

fn endings() -> impl Strategy<Value = Ending> {
    select(&["\n", "\n", "\n", "\r\n", "\r\r\n", ""][..])
}

/// A byte that means something, or any.
fn bytes() -> impl Strategy<Value = u8> {
    prop_oneof![4 => select(&b"\n\r:0123459=/ aA"[..]), 1 => any::<u8>()]
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<Index>(), bytes()).prop_map(|(place, byte)| Edit::Replace(place, byte)),
        (any::<Index>(), bytes()).prop_map(|(place, byte)| Edit::Insert(place, byte)),
        any::<Index>().prop_map(Edit::Remove),
        (0..36_usize).prop_map(Edit::Counter),
    ]
}

fn texts() -> impl Strategy<Value = Text> {
    let age = prop_oneof![4 => Just(0), 1 => 1..3_usize];
    let edit = prop_oneof![2 => Just(None), 1 => edits().prop_map(Some)];
    let stamp = (age, prop::bool::weighted(0.6), edit, endings());
    prop_oneof![
        2 => vec(bytes(), 0..12).prop_map(Text::Raw),
        6 => (vec(bytes(), 0..4), endings()).prop_map(|(payload, end)| Text::Ask(payload, end)),
        4 => stamp.prop_map(|(age, right, edit, ending)| Text::Stamp { age, right, edit, ending }),
        1 => (500..520_usize, endings()).prop_map(|(len, ending)| Text::Long(len, ending)),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        16 => (vec(texts(), 1..4), vec(any::<Index>(), 0..4))
            .prop_map(|(texts, cuts)| Act::Send(texts, cuts)),
        1 => Just(Act::Eof),
        4 => Just(Act::Deadline),
        1 => Just(Act::Shutdown),
        1 => Just(Act::Busy),
        1 => any::<bool>().prop_map(Act::OutOfEntropy),
    ]
}

fn scripts() -> impl Strategy<Value = Vec<(Wait, Act)>> {
    let wait = prop_oneof![
        3 => (0..500_u64).prop_map(Wait::Milliseconds),
        1 => (-1..2_i64).prop_map(Wait::Deadline),
    ];
    vec((wait, acts()), 1..16)
}

fn all_rules() -> impl Strategy<Value = Rules> {
    let dialect = select(&[Dialect::Hashcash, Dialect::Powtcp][..]);
    let difficulty = Difficulty::from_bits(4).expect("4 of 160 bits");
    (dialect, 1..5_u32, 1..20_u64).prop_map(move |(dialect, max_puzzles, seconds)| {
        let mut rules = rules(dialect);
        rules.terms.difficulty = difficulty;
        rules.ttl = Duration::from_secs(seconds);
        rules.max_puzzles = max_puzzles;
        rules
    })
}

/// A session, and what it should be.
struct Pair {
    talk: Conversation,
    model: Protocol,
    difficulty: Difficulty,
    now: Duration,
}

impl Pair {
    fn new(rules: Rules) -> Self {
        let client = match rules.terms.dialect {
            Dialect::Hashcash => "2001-db8--7/52386",
            Dialect::Powtcp => "[2001:db8::7]:52386",
        };
        Self {
            difficulty: rules.terms.difficulty,
            model: Protocol::new(rules.clone(), client),
            talk: Conversation::with_client(rules, "[2001:db8::7]:52386"),
            now: Duration::ZERO,
        }
    }

    fn take(&mut self, wait: Wait, act: Act) -> Result<(), TestCaseError> {
        self.now = match wait {
            Wait::Milliseconds(count) => self.now + Duration::from_millis(count),
            Wait::Deadline(nanos) => {
                let deadline = self.model.deadline.as_nanos() as u64;
                let then = Duration::from_nanos(deadline.saturating_add_signed(nanos));
                self.now.max(then)
            }
        };
        let Self {
            talk, model, now, ..
        } = self;
        talk.at(*now);
        match act {
            Act::Send(texts, cuts) => return self.send(&texts, &cuts),
            Act::Eof => {
                model.eof(*now);
                prop_assert!(talk.eof().is_empty());
            }
            Act::Deadline => prop_assert_eq!(talk.deadline(), model.deadline(*now)),
            Act::Shutdown => prop_assert_eq!(talk.shutdown(), model.shutdown(*now)),
            Act::Busy => prop_assert_eq!(talk.refuse(Refusal::ServerBusy), model.busy(*now)),
            Act::OutOfEntropy(is_so) => {
                (talk.host.out_of_entropy, model.out_of_entropy) = (is_so, is_so);
            }
        }
        self.check()
    }

    fn send(&mut self, texts: &[Text], cuts: &[Index]) -> Result<(), TestCaseError> {
        // A text may answer a puzzle that one before it asks for.
        let mut ahead = self.model.clone();
        let mut bytes = Vec::new();
        for text in texts {
            let text = self.spell(text, &ahead.puzzles);
            ahead.send(&text, self.now);
            bytes.extend(text);
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        for ends in cuts.windows(2) {
            let piece = &bytes[ends[0]..ends[1]];
            prop_assert_eq!(self.talk.send(piece), self.model.send(piece, self.now));
            self.check()?;
        }
        Ok(())
    }

    fn spell(&self, text: &Text, puzzles: &[String]) -> Vec<u8> {
        match text {
            Text::Raw(bytes) => bytes.clone(),
            Text::Ask(payload, ending) => [b"1:", &payload[..], ending.as_bytes()].concat(),
            Text::Long(len, ending) => ["1:", &"x".repeat(len - 2), ending].concat().into_bytes(),
            Text::Stamp {
                age,
                right,
                edit,
                ending,
            } => {
                let prefix = puzzles
                    .iter()
                    .rev()
                    .nth(*age)
                    .map_or("1:4:::::", String::as_str);
                let stamp = stamp(prefix, *right, self.difficulty).into_bytes();
                let stamp = edit.iter().fold(stamp, edited);
                [b"3:", &stamp[..], ending.as_bytes()].concat()
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let Self { talk, model, .. } = self;
        prop_assert_eq!(talk.session.end(), model.end);
        prop_assert_eq!(talk.session.holds_puzzle(), model.holds_puzzle());
        prop_assert_eq!(talk.session.deadline(), Moment::new(model.deadline));
        Ok(())
    }
}

fn edited(mut stamp: Vec<u8>, edit: &Edit) -> Vec<u8> {
    match *edit {
        Edit::Replace(place, byte) => *place.get_mut(&mut stamp) = byte,
        Edit::Insert(place, byte) => stamp.insert(place.index(stamp.len() + 1), byte),
        Edit::Remove(place) => drop(stamp.remove(place.index(stamp.len()))),
        Edit::Counter(len) => {
            let colon = stamp.iter().rposition(|&byte| byte == b':');
            stamp.truncate(colon.map_or(0, |colon| colon + 1));
            stamp.resize(stamp.len() + len, b'A');
        }
    }
    stamp
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_answers_whatever_comes_as_the_protocol_says(
        rules in all_rules(),
        script in scripts(),
    ) {
        let mut pair = Pair::new(rules);
        for (wait, act) in script {
            pair.take(wait, act)?;
        }
    }
}
