//! Guards every answer of a session with a model of the protocol: right, nearly right and random bytes,
//! cut anywhere, at times around every deadline, mixed with every other call of a session.

use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_common::refusal::Refusal;
use powtcp_server::admission::Pricing;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::conversation::Conversation;
use crate::support::protocol::Protocol;
use crate::support::rules::{Rules, rules};
use crate::support::stamps::stamp;

/// How much later an act happens.
#[derive(Debug, Clone, Copy)]
enum Wait {
    Milliseconds(u64),
    /// This many nanoseconds after the session's deadline, unless that has passed.
    Deadline(i64),
}

/// One call of the session.
#[derive(Debug, Clone)]
enum Act {
    /// Sends texts, cut into pieces at these places.
    Send(Vec<Text>, Vec<Index>),
    Eof,
    Deadline,
    Shutdown,
    Evict,
}

/// Bytes to send, most often one line.
#[derive(Debug, Clone)]
enum Text {
    /// Exactly these bytes.
    Raw(Vec<u8>),
    /// Asks for a puzzle, with this payload.
    Ask(Vec<u8>, Ending),
    /// A stamp of the puzzle that precedes the last one by `age`.
    Stamp {
        age: usize,
        right: bool,
        edit: Option<Edit>,
        ending: Ending,
    },
    /// A line of this many bytes and an ending.
    Long(usize, Ending),
}

type Ending = &'static str;

/// A change to a stamp.
#[derive(Debug, Clone)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    /// Replaces the counter by one of this many characters.
    Counter(usize),
}

fn endings() -> impl Strategy<Value = Ending> {
    select(&["\n", "\n", "\n", "\r\n", "\r\r\n", ""][..])
}

/// A byte with a meaning in the protocol, or any byte.
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
        1 => Just(Act::Evict),
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
    (dialect, 1..5_u32, 1..20_u64).prop_map(move |(dialect, max_puzzles, seconds)| {
        let mut rules = rules(dialect);
        rules.ttl = Duration::from_secs(seconds);
        rules.max_puzzles = max_puzzles;
        rules
    })
}

/// A session and its model.
struct Pair {
    talk: Conversation,
    model: Protocol,
    difficulty: Difficulty,
    now: Duration,
}

impl Pair {
    fn new(rules: Rules) -> Self {
        let client = match rules.dialect {
            Dialect::Hashcash => "2001-db8--7/52386",
            Dialect::Powtcp => "[2001:db8::7]:52386",
        };
        let source: &[u8] = b"\x20\x01\x0d\xb8\0\0\0\0";
        let difficulty = Difficulty::from_bits(4).expect("4 of 160 bits");
        let mut talk = Conversation::with_client(rules.clone(), "[2001:db8::7]:52386");
        talk.pricing = Pricing::Fixed(difficulty);
        Self {
            difficulty,
            model: Protocol::new(rules, difficulty, (client, source)),
            talk,
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
                prop_assert!(talk.on_eof().is_empty());
            }
            Act::Deadline => prop_assert_eq!(talk.on_deadline(), model.on_deadline(*now)),
            Act::Shutdown => prop_assert_eq!(talk.on_shutdown(), model.on_shutdown(*now)),
            Act::Evict => {
                prop_assert_eq!(talk.refuse(Refusal::ServerBusy), model.evict(*now));
            }
        }
        self.check()
    }

    fn send(&mut self, texts: &[Text], cuts: &[Index]) -> Result<(), TestCaseError> {
        // A stamp may solve a puzzle that an earlier text of the same act asks for.
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

    fn spell(&self, text: &Text, puzzles: &[(String, Duration)]) -> Vec<u8> {
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
                    .map_or("1:4:::::", |(puzzle, _)| puzzle.as_str());
                let stamp = stamp(prefix, *right, self.difficulty).into_bytes();
                let stamp = edit.iter().fold(stamp, edited);
                [b"3:", &stamp[..], ending.as_bytes()].concat()
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let Self { talk, model, .. } = self;
        prop_assert_eq!(talk.end(), model.end);
        prop_assert_eq!(talk.holds_puzzle(), model.holds_puzzle());
        prop_assert_eq!(talk.deadline(), model.deadline);
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
    fn a_session_agrees_with_the_protocol_after_random_calls(
        rules in all_rules(),
        script in scripts(),
    ) {
        let mut pair = Pair::new(rules);
        for (wait, act) in script {
            pair.take(wait, act)?;
        }
    }
}
