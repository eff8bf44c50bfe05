//! Guards both dialects with transcripts that were written by hand. Another program computed their
//! stamps, so that an error which both our client and our server make is seen.

use std::time::Duration;

use powtcp_common::hashcash::{Challenge, Dialect, Difficulty, Stamp};
use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::conversation::{Conversation, SERVED};
use crate::support::rules::{fixed, rules};

/// A connection to a server that started at 2026-11-22T10:54:00.5Z, with a line of the client in each second
/// after that. The client sends the lines after `>`, and the server those after `<`. `SERVED` and
/// `NOT CORRECT` stand for answers whose text is not the subject here.
struct Transcript {
    dialect: Dialect,
    bits: u32,
    client: &'static str,
    text: &'static str,
}

/// Each comment names the SHA-1 of the stamp, as `sha1sum` computes it.
const POWTCP: [Transcript; 4] = [
    // 00000e8bb94469969512e24a6cbb6495d83c2c97: the `5` of this dialect is 20 bits.
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:5:20261122105401:127.0.0.1:52386::gAAAFOhK7JIy5x0g:MA==
               > 3:1:5:20261122105401:127.0.0.1:52386::gAAAFOhK7JIy5x0g:Mjg1NjYwOQ==
               < SERVED",
    },
    // 00001221cbf211c4e6942f78c03f3bec67203eb2: 19 bits are four hex digits, and not five.
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:5:20261122105401:127.0.0.1:52386::gAAAFOhK7JIy5x0g:MA==
               > 3:1:5:20261122105401:127.0.0.1:52386::gAAAFOhK7JIy5x0g:OTkwODYz
               < NOT CORRECT",
    },
    // 0000bf48676db0f98c6592d92057e30704b8b559
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 16,
        client: "[2001:db8::7]:52386",
        text: "> 1:
               < 2:1:4:20261122105401:[2001:db8::7]:52386::gAAAECB6tkgSUvg7:MA==
               > 3:1:4:20261122105401:[2001:db8::7]:52386::gAAAECB6tkgSUvg7:MTI1MDE5
               < SERVED",
    },
    // 00e59c1cfcca3d6bd66e6759b858e33f08f0cdfe: the stamp of the second puzzle.
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 8,
        client: "[::ffff:127.0.0.1]:52386",
        text: "> 1:
               < 2:1:2:20261122105401:127.0.0.1:52386::gAAACFJWg/jdycse:MA==
               > 1:
               < 2:1:2:20261122105402:127.0.0.1:52386::gAAACETH7zrkSDTq:MA==
               > 3:1:2:20261122105402:127.0.0.1:52386::gAAACETH7zrkSDTq:MTU4
               < SERVED",
    },
];

const HASHCASH: [Transcript; 3] = [
    // 00000c5da3259f2fe40d616e1c86301704d42178
    Transcript {
        dialect: Dialect::Hashcash,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:20:261122105401:127.0.0.1/52386::gAAAFHqk1Be+5LZ8:MA==
               > 3:1:20:261122105401:127.0.0.1/52386::gAAAFHqk1Be+5LZ8:MjE1ODc1NA==
               < SERVED",
    },
    // 00001db7208a56113efcec28efd6d4e6057de8f3: 19 bits.
    Transcript {
        dialect: Dialect::Hashcash,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:20:261122105401:127.0.0.1/52386::gAAAFHqk1Be+5LZ8:MA==
               > 3:1:20:261122105401:127.0.0.1/52386::gAAAFHqk1Be+5LZ8:MTE3NjI4MA==
               < NOT CORRECT",
    },
    // 0000ecd7c57d79011d14ea1ddf92a8eb0cf8bf29
    Transcript {
        dialect: Dialect::Hashcash,
        bits: 16,
        client: "[2001:db8::7]:52386",
        text: "> 1:
               < 2:1:16:261122105401:2001-db8--7/52386::gAAAEEQhxf3POYFO:MA==
               > 3:1:16:261122105401:2001-db8--7/52386::gAAAEEQhxf3POYFO:MzUwMTM=
               < SERVED",
    },
];

impl Transcript {
    fn lines(&self, speaker: &str) -> impl Iterator<Item = &'static str> {
        let lines = self.text.lines().map(str::trim_start);
        let lines: Vec<_> = lines
            .filter_map(|line| line.strip_prefix(speaker))
            .collect();
        lines.into_iter()
    }

    /// Sends the client's lines, and compares the answers with the server's lines.
    fn play(&self) {
        let mut talk = Conversation::with_client(rules(self.dialect), self.client);
        talk.pricing = fixed(self.bits);
        let mut answers = self.lines("< ");
        for (second, line) in (1..).zip(self.lines("> ")) {
            talk.at(Duration::from_secs(second));
            let expected = match answers.next() {
                Some("SERVED") => SERVED.to_string(),
                Some("NOT CORRECT") => refusal(Refusal::StampNotCorrect),
                line => line.unwrap_or_default().to_string(),
            };
            assert_eq!(talk.send(format!("{line}\n")), [expected], "to {line}");
        }
        assert_eq!(answers.next(), None);
        assert!(talk.end().is_some());
    }
}

fn difficulty(bits: u32) -> Difficulty {
    Difficulty::from_bits(bits).expect("no more bits than SHA-1 has")
}

#[test]
fn the_powtcp_dialect_matches_its_transcripts() {
    POWTCP.iter().for_each(Transcript::play);
}

#[test]
fn the_hashcash_dialect_matches_its_transcripts() {
    HASHCASH.iter().for_each(Transcript::play);
}

#[test]
fn a_client_parses_the_puzzles_of_all_transcripts() {
    for transcript in POWTCP.iter().chain(&HASHCASH) {
        for puzzle in transcript.lines("< 2:") {
            let challenge = Challenge::parse(puzzle.as_bytes()).unwrap();
            assert_eq!(challenge.dialect(), transcript.dialect);
            assert_eq!(challenge.difficulty(), difficulty(transcript.bits));
            assert_eq!(challenge.to_string(), puzzle);
        }
    }
}

#[test]
fn the_stamps_of_all_transcripts_have_the_stated_difficulty() {
    for transcript in POWTCP.iter().chain(&HASHCASH) {
        let served = transcript.lines("< SERVED").count() == 1;
        for text in transcript.lines("> 3:") {
            let stamp = Stamp::parse(text.as_bytes()).unwrap();
            let needed = difficulty(transcript.bits);
            assert_eq!(needed.is_met_by(stamp.text()), served, "{text}");
            let one_less = difficulty(transcript.bits - 1);
            assert!(one_less.is_met_by(stamp.text()), "{text}");
        }
    }
}
