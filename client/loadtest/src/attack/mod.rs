//! Hostile load: the attacks, what each attacking connection sends and when, and how it treats the
//! answers.
//!
//! [`attacker`] is one connection. [`flood`] opens them at the right [`pace`], and [`siege`] lets each
//! attack run beside honest clients.

pub(crate) mod attacker;
pub(crate) mod flood;
pub(crate) mod pace;
pub(crate) mod siege;

use std::slice;

/// One way to attack a server.
#[derive(Debug)]
pub(crate) struct Attack {
    /// The value of `--attack`.
    pub(crate) name: &'static str,
    /// Whether the attack lies in connections that stay open. Then all of them are opened at once, and
    /// the rate applies to their replacements. The rate of other attacks applies from the start.
    pub(crate) holds: bool,
    /// Sent as soon as the connection is open.
    pub(crate) first: &'static [u8],
    /// Sent once a second from then on.
    pub(crate) each_second: &'static [u8],
    pub(crate) manner: Manner,
}

/// How an attacking connection treats the answers of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It reads them, and closes when the server has closed.
    Listens,
    /// It reads nothing, and stays until it cannot send any more.
    NeverReads,
    /// It sends a puzzle back unsolved: a stamp whose hash very likely has too few zeros.
    ReturnsPuzzles,
    /// It does not wait for one: it resets the connection as soon as it is open.
    Resets,
}

/// The default of the server's `--max-puzzles`.
const ALLOWED_PUZZLES: usize = 8;
/// More than a line may have, and no more than an empty socket takes at once.
const ENDLESS_LINE: [u8; 4096] = [b'x'; 4096];
const REQUEST: &[u8] = b"1:\n";
const ALLOWED_REQUESTS: [u8; ALLOWED_PUZZLES * REQUEST.len()] = repeat(REQUEST);
const MANY_REQUESTS: [u8; 1000 * REQUEST.len()] = repeat(REQUEST);

/// Sends nothing and listens. The other attacks say how they differ.
const SILENT: Attack = Attack {
    name: "silent",
    holds: true,
    first: b"",
    each_second: b"",
    manner: Manner::Listens,
};

/// All attacks, in the order of the table.
pub(crate) static ATTACKS: [Attack; 9] = [
    SILENT,
    Attack {
        name: "asked",
        first: REQUEST,
        ..SILENT
    },
    // A payload may have any bytes, so this remains the start of a request.
    Attack {
        name: "slowloris",
        first: b"1:",
        each_second: b"1",
        ..SILENT
    },
    Attack {
        name: "hoard",
        first: &ALLOWED_REQUESTS,
        ..SILENT
    },
    Attack {
        name: "garbage",
        holds: false,
        first: b"\x16\x03\x01\x02\0\xff 7: \x1b[2J msg=\"puzzle sent\" client=127.0.0.1:1\n",
        ..SILENT
    },
    Attack {
        name: "wrong-stamp",
        holds: false,
        first: REQUEST,
        manner: Manner::ReturnsPuzzles,
        ..SILENT
    },
    Attack {
        name: "never-read",
        first: &MANY_REQUESTS,
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
        first: &ENDLESS_LINE,
        each_second: &ENDLESS_LINE,
        manner: Manner::NeverReads,
        ..SILENT
    },
];

/// Returns the attack of this name, or all of them.
pub(crate) fn named(name: &str) -> Option<&'static [Attack]> {
    match name {
        "all" => Some(&ATTACKS),
        _ => ATTACKS
            .iter()
            .find(|attack| attack.name == name)
            .map(slice::from_ref),
    }
}

/// Returns what an attacking connection replies to `answer`, which is overwritten with the reply. Only
/// a whole puzzle gets one: on loopback, such a short line does not arrive in pieces.
pub(crate) fn reply(manner: Manner, answer: &mut [u8]) -> Option<&[u8]> {
    if manner != Manner::ReturnsPuzzles || !answer.starts_with(b"2:") || !answer.ends_with(b"\n") {
        return None;
    }
    answer[0] = b'3';
    Some(answer)
}

/// Fills an array with `pattern`. It is `const` because it makes constants.
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
    fn a_hoard_makes_as_many_requests_as_are_allowed() {
        assert_eq!(ALLOWED_REQUESTS, *b"1:\n1:\n1:\n1:\n1:\n1:\n1:\n1:\n");
    }

    #[test]
    fn only_a_whole_puzzle_is_sent_back_as_a_stamp() {
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
