//! The attacks: what each attacking connection sends, at once and by time, and how it takes the
//! answers.

use std::slice;

/// One way to be a burden to a server.
#[derive(Debug)]
pub(super) struct Attack {
    /// As `--attack` takes it.
    pub(super) name: &'static str,
    /// Whether it lives of connections that are open: it opens all it may at once, and keeps to the
    /// rate from then on. An attack of another kind keeps to the rate from the start.
    pub(super) holds: bool,
    /// Sent as soon as the connection is there.
    pub(super) at_once: &'static [u8],
    /// Sent once a second from then on.
    pub(super) each_second: &'static [u8],
    pub(super) manner: Manner,
}

/// How an attacking connection takes what the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It reads and does nothing; it leaves when the server has closed.
    Listens,
    /// It reads nothing, and stays until it cannot send any more.
    NeverReads,
    /// It sends a puzzle back as it came: a stamp whose hash has too few zeros, most likely.
    ReturnsPuzzles,
    /// It waits for nothing and resets the connection as soon as it is there.
    Resets,
}

/// The number of puzzles that a server allows a connection unless told otherwise.
const ALLOWED_PUZZLES: usize = 8;
/// More than a line may have, and as much as a socket takes at once.
const LINE_WITHOUT_END: [u8; 4096] = [b'x'; 4096];
const REQUEST: &[u8] = b"1:\n";
const ALLOWED_REQUESTS: [u8; ALLOWED_PUZZLES * REQUEST.len()] = repeat(REQUEST);
const MANY_REQUESTS: [u8; 1000 * REQUEST.len()] = repeat(REQUEST);

/// Sends nothing and listens: what the others differ from.
const SILENT: Attack = Attack {
    name: "silent",
    holds: true,
    at_once: b"",
    each_second: b"",
    manner: Manner::Listens,
};

/// All attacks, in the order of the table.
pub(super) static ATTACKS: [Attack; 9] = [
    SILENT,
    Attack {
        name: "asked",
        at_once: REQUEST,
        ..SILENT
    },
    // A payload may have any bytes, so this is the start of a request for ever.
    Attack {
        name: "slowloris",
        at_once: b"1:",
        each_second: b"1",
        ..SILENT
    },
    Attack {
        name: "hoard",
        at_once: &ALLOWED_REQUESTS,
        ..SILENT
    },
    Attack {
        name: "garbage",
        holds: false,
        at_once: b"\x16\x03\x01\x02\0\xff 7: \x1b[2J msg=\"puzzle sent\" client=127.0.0.1:1\n",
        ..SILENT
    },
    Attack {
        name: "wrong-stamp",
        holds: false,
        at_once: REQUEST,
        manner: Manner::ReturnsPuzzles,
        ..SILENT
    },
    Attack {
        name: "never-read",
        at_once: &MANY_REQUESTS,
        each_second: &MANY_REQUESTS,
        manner: Manner::NeverReads,
        ..SILENT
    },
    Attack {
        name: "churn",
        holds: false,
        manner: Manner::Resets,
        ..SILENT
    },
    Attack {
        name: "endless-line",
        at_once: &LINE_WITHOUT_END,
        each_second: &LINE_WITHOUT_END,
        manner: Manner::NeverReads,
        ..SILENT
    },
];

/// The attack of this name, or all of them.
pub(super) fn named(name: &str) -> Option<&'static [Attack]> {
    match name {
        "all" => Some(&ATTACKS),
        _ => ATTACKS
            .iter()
            .find(|attack| attack.name == name)
            .map(slice::from_ref),
    }
}

/// What an attacking connection says to `answer`, which it makes of the answer itself. A puzzle that
/// arrives in pieces gets none: so small a line does not, on loopback.
pub(super) fn reply(manner: Manner, answer: &mut [u8]) -> Option<&[u8]> {
    if manner != Manner::ReturnsPuzzles || !answer.starts_with(b"2:") || !answer.ends_with(b"\n") {
        return None;
    }
    answer[0] = b'3';
    Some(answer)
}

/// `pattern` over and over.
const fn repeat<const LEN: usize>(pattern: &[u8]) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    let mut index = 0;
    while index < LEN {
        bytes[index] = pattern[index % pattern.len()];
        index += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attack_is_found_by_its_name() {
        for attack in &ATTACKS {
            let found = named(attack.name).unwrap();
            assert_eq!(found.len(), 1, "{}", attack.name);
            assert!(std::ptr::eq(&found[0], attack));
        }
        assert_eq!(named("all").unwrap().len(), 9);
        for name in ["", "Silent", "none", "wrong stamp"] {
            assert!(named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_hoard_asks_for_what_is_allowed() {
        assert_eq!(ALLOWED_REQUESTS, *b"1:\n1:\n1:\n1:\n1:\n1:\n1:\n1:\n");
    }

    #[test]
    fn nothing_but_a_whole_puzzle_is_sent_back_as_a_stamp() {
        let reply = |manner, answer: &str| {
            let mut answer = answer.as_bytes().to_vec();
            reply(manner, &mut answer).map(<[u8]>::to_vec)
        };
        let stamp = reply(Manner::ReturnsPuzzles, "2:1:16:x:MA==\n");
        assert_eq!(stamp.as_deref(), Some(&b"3:1:16:x:MA==\n"[..]));
        for answer in ["", "2:1:16:x:MA==", "0:server is busy\n"] {
            assert_eq!(reply(Manner::ReturnsPuzzles, answer), None, "{answer}");
        }
        assert_eq!(reply(Manner::Listens, "2:1:16:x:MA==\n"), None);
    }
}
