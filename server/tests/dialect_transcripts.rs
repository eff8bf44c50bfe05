//! Guards both dialects against transcripts that were written out by hand, their stamps computed with
//! another program: what is on the wire is this text, and not whatever our own code makes of itself.

mod support;

use std::time::Duration;

use powtcp_common::hashcash::{Challenge, Dialect, Difficulty, Stamp};
use support::conversation::{Conversation, rules};

/// A client's connection at 2026-11-22T10:54:00Z, its random bytes `abcdefghijkl`, then
/// `bbcdefghijkl`: lines behind `>` are the client's, those behind `<` the server's.
struct Transcript {
    dialect: Dialect,
    bits: u32,
    client: &'static str,
    text: &'static str,
}

/// The first comment names the SHA-1 of the stamp, as `sha1sum` computes it.
const POWTCP: [Transcript; 4] = [
    // 000007cd110af9eb8616f66219bf3541111473c5: the `5` of this dialect is 20 bits.
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:5:20261122105400:127.0.0.1:52386::YWJjZGVmZ2hpamts:MA==
               > 3:1:5:20261122105400:127.0.0.1:52386::YWJjZGVmZ2hpamts:NjAzMTYy
               < 4:Don't Panic.",
    },
    // 000015ddc3f40aafbc3a46e6bd8ab57dd9395045: 19 bits are four hex digits, and not five.
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:5:20261122105400:127.0.0.1:52386::YWJjZGVmZ2hpamts:MA==
               > 3:1:5:20261122105400:127.0.0.1:52386::YWJjZGVmZ2hpamts:MjIxODY1MA==
               < 0:hashcash header not correct",
    },
    // 0000d31168be86b4c66685fbe34462fa8552a039
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 16,
        client: "[2001:db8::7]:52386",
        text: "> 1:
               < 2:1:4:20261122105400:[2001:db8::7]:52386::YWJjZGVmZ2hpamts:MA==
               > 3:1:4:20261122105400:[2001:db8::7]:52386::YWJjZGVmZ2hpamts:NDE3MzA=
               < 4:Don't Panic.",
    },
    // 00034bba5f8bf95d72d754baee12750de667669e, for the second puzzle.
    Transcript {
        dialect: Dialect::Powtcp,
        bits: 8,
        client: "[::ffff:127.0.0.1]:52386",
        text: "> 1:
               < 2:1:2:20261122105400:127.0.0.1:52386::YWJjZGVmZ2hpamts:MA==
               > 1:
               < 2:1:2:20261122105400:127.0.0.1:52386::YmJjZGVmZ2hpamts:MA==
               > 3:1:2:20261122105400:127.0.0.1:52386::YmJjZGVmZ2hpamts:MzY1
               < 4:Don't Panic.",
    },
];

const HASHCASH: [Transcript; 3] = [
    // 00000e771cbcfbee373a48a1371a8b9f9fccaf8a
    Transcript {
        dialect: Dialect::Hashcash,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:20:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==
               > 3:1:20:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MjE1MDgyMg==
               < 4:Don't Panic.",
    },
    // 00001ee4755dade05917a079e087950a57a3a9ff: 19 bits.
    Transcript {
        dialect: Dialect::Hashcash,
        bits: 20,
        client: "127.0.0.1:52386",
        text: "> 1:
               < 2:1:20:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==
               > 3:1:20:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:Njk1MDE5
               < 0:hashcash header not correct",
    },
    // 00007f423560dc026a7fdc22a929122cc34c479a
    Transcript {
        dialect: Dialect::Hashcash,
        bits: 16,
        client: "[2001:db8::7]:52386",
        text: "> 1:
               < 2:1:16:261122105400:2001-db8--7/52386::YWJjZGVmZ2hpamts:MA==
               > 3:1:16:261122105400:2001-db8--7/52386::YWJjZGVmZ2hpamts:NzIwMjM=
               < 4:Don't Panic.",
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

    /// Plays the client's part, and holds the server's lines against those written here.
    fn play(&self) {
        let mut rules = rules(self.dialect);
        rules.terms.difficulty = difficulty(self.bits);
        let mut talk = Conversation::with_client(rules, self.client);
        let mut answers = self.lines("< ");
        for (second, line) in (1..).zip(self.lines("> ")) {
            talk.at(Duration::from_secs(second));
            let expected: Vec<_> = answers.by_ref().take(1).collect();
            assert_eq!(talk.send(format!("{line}\n")), expected, "to {line}");
        }
        assert_eq!(answers.next(), None);
        assert!(talk.session.end().is_some());
    }
}

fn difficulty(bits: u32) -> Difficulty {
    Difficulty::from_bits(bits).expect("no more bits than SHA-1 has")
}

#[test]
fn the_powtcp_dialect_is_spoken_as_written() {
    POWTCP.iter().for_each(Transcript::play);
}

#[test]
fn the_hashcash_dialect_is_spoken_as_written() {
    HASHCASH.iter().for_each(Transcript::play);
}

#[test]
fn a_client_understands_the_puzzles_as_written() {
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
fn the_stamps_as_written_are_worth_what_they_are_said_to_be() {
    for transcript in POWTCP.iter().chain(&HASHCASH) {
        let served = transcript.lines("< 4:").count() == 1;
        for text in transcript.lines("> 3:") {
            let stamp = Stamp::parse(text.as_bytes()).unwrap();
            let needed = difficulty(transcript.bits);
            assert_eq!(needed.is_met_by(stamp.text()), served, "{text}");
            let one_less = difficulty(transcript.bits - 1);
            assert!(one_less.is_met_by(stamp.text()), "{text}");
        }
    }
}
