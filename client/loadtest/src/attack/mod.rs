//! Hostile load: the attacks, what each attacking connection sends and when, and how it treats the
//! answers.
//!
//! [`kinds`] is their table. [`attacker`] is one connection. [`flood`] opens them at the right [`pace`], and [`siege`] lets each
//! attack run beside honest clients. The attackers of [`paid`] pay as honest clients do.

pub(crate) mod attacker;
pub(crate) mod flood;
mod kinds;
pub(crate) mod pace;
pub(crate) mod paid;
pub(crate) mod row;
pub(crate) mod siege;

use std::slice;
use std::time::Duration;

use powtcp_common::hashcash::Challenge;

pub(crate) use self::kinds::ATTACKS;
use crate::honest::exchange::solved;

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
    /// Sent once a second from then on, or from its payment on.
    pub(crate) each_second: &'static [u8],
    pub(crate) manner: Manner,
    /// Connections opened per second, if the user does not say otherwise.
    pub(crate) rate: u32,
    /// Addresses that they come from, if the user does not say otherwise.
    pub(crate) sources: u32,
    /// Options of the server that make the attack possible at this rate.
    pub(crate) server_options: &'static [&'static str],
    /// How far away honest clients are, in turn.
    pub(crate) distances: &'static [Duration],
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
    /// It solves its puzzle, pays, and sends a byte more. It stays when the server has ended its side.
    Pays,
    /// It does not wait for one: it resets the connection as soon as it is open.
    Resets,
}

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

/// Returns what an attacking connection replies to `answer`. Only a whole puzzle gets a reply: on
/// loopback, such a short line does not arrive in pieces.
pub(crate) fn reply(manner: Manner, answer: &[u8]) -> Option<Vec<u8>> {
    let puzzle = answer.strip_prefix(b"2:")?.strip_suffix(b"\n")?;
    match manner {
        Manner::ReturnsPuzzles => Some([b"3:", puzzle, b"\n"].concat()),
        Manner::Pays => {
            let stamp = solved(&Challenge::parse(puzzle).ok()?);
            Some([b"3:", &stamp[..], b"\nX"].concat())
        }
        Manner::Listens | Manner::NeverReads | Manner::Resets => None,
    }
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
        assert_eq!(named("all").unwrap().len(), 11);
        for name in ["", "Silent", "none", "wrong stamp"] {
            assert!(named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn only_a_whole_puzzle_is_sent_back_as_a_stamp() {
        let reply = |manner, answer: &str| reply(manner, answer.as_bytes());
        let stamp = reply(Manner::ReturnsPuzzles, "2:1:16:x:MA==\n");
        assert_eq!(stamp.as_deref(), Some(&b"3:1:16:x:MA==\n"[..]));
        for answer in ["", "2:1:16:x:MA==", "0:server is busy\n"] {
            assert_eq!(reply(Manner::ReturnsPuzzles, answer), None, "{answer}");
        }
        assert_eq!(reply(Manner::Listens, "2:1:16:x:MA==\n"), None);
    }

    #[test]
    fn a_payment_is_a_right_stamp_and_a_byte_more() {
        let puzzle = b"2:1:8:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==\n";
        let payment = reply(Manner::Pays, puzzle).unwrap();
        let stamp = payment.strip_prefix(b"3:").unwrap();
        let stamp = stamp.strip_suffix(b"\nX").unwrap();
        let challenge = Challenge::parse(&puzzle[2..puzzle.len() - 1]).unwrap();
        assert!(challenge.difficulty().is_met_by(stamp));
        assert_eq!(reply(Manner::Pays, b"2:nonsense\n"), None);
    }
}
