//! The protocol as its page tells it, as plainly as can be: byte by byte, text by text, with nothing of
//! the server's own but its SHA-1. It is what a session is held against.

use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_server::session::End;
use powtcp_server::turn::Rules;

use super::conversation::{SERVED, rand};

/// How long a connection that has ended is waited for.
const DELIVERY: Duration = Duration::from_secs(5);

/// One connection, all times since the start of the server.
#[derive(Clone)]
pub(crate) struct Protocol {
    rules: Rules,
    client: &'static str,
    /// What came of a line that goes on.
    line: Vec<u8>,
    /// Every puzzle that was sent, up to its counter. The last one is outstanding.
    pub(crate) puzzles: Vec<String>,
    /// Whether no random bytes can be had.
    pub(crate) out_of_entropy: bool,
    pub(crate) end: Option<End>,
    pub(crate) deadline: Duration,
    /// What is to be answered to the call that is under way.
    answers: Vec<String>,
}

impl Protocol {
    /// A client that connects at the time zero; its address as the dialect of `rules` writes it.
    pub(crate) fn new(rules: Rules, client: &'static str) -> Self {
        Self {
            client,
            line: Vec::new(),
            puzzles: Vec::new(),
            out_of_entropy: false,
            end: None,
            deadline: rules.handshake_timeout,
            answers: Vec::new(),
            rules,
        }
    }

    pub(crate) fn holds_puzzle(&self) -> bool {
        !self.puzzles.is_empty() && self.end.is_none()
    }

    pub(crate) fn send(&mut self, bytes: &[u8], now: Duration) -> Vec<String> {
        for &byte in bytes {
            if self.end.is_some() {
                break;
            }
            self.line.push(byte);
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.on_line(&line, now);
            } else if self.line.len() == 512 {
                self.refuse("message too long", now);
            }
        }
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn eof(&mut self, now: Duration) {
        if self.end.is_none() {
            self.finish(End::Left, now);
        }
    }

    pub(crate) fn deadline(&mut self, now: Duration) -> Vec<String> {
        if now >= self.deadline && self.holds_puzzle() {
            self.refuse("hashcash expiration exceeded", now);
        } else if now >= self.deadline {
            self.refuse("timeout exceeded", now);
        }
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn shutdown(&mut self, now: Duration) -> Vec<String> {
        if !self.holds_puzzle() {
            self.refuse("server is shutting down", now);
        }
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn busy(&mut self, now: Duration) -> Vec<String> {
        self.refuse("server is busy", now);
        std::mem::take(&mut self.answers)
    }

    /// The puzzle after `number` others, up to its counter.
    fn puzzle(&self, number: usize) -> String {
        let bits = self.rules.terms.difficulty.bits();
        let (bits, date) = match self.rules.terms.dialect {
            Dialect::Hashcash => (bits, "261122105400"),
            Dialect::Powtcp => (bits / 4, "20261122105400"),
        };
        let rand = base64(&rand(number as u8));
        format!("1:{bits}:{date}:{}::{rand}:", self.client)
    }

    fn on_line(&mut self, line: &[u8], now: Duration) {
        let line = &line[..line.len() - 1];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line {
            [b'1', b':', ..] => self.on_request(now),
            [b'3', b':', stamp @ ..] => self.on_stamp(stamp, now),
            _ => self.refuse("incorrect message format", now),
        }
    }

    fn on_request(&mut self, now: Duration) {
        if self.puzzles.len() == self.rules.max_puzzles as usize {
            self.refuse("too many puzzles requested", now);
        } else if self.out_of_entropy {
            self.refuse("internal error", now);
        } else {
            let puzzle = self.puzzle(self.puzzles.len());
            self.answers.push(format!("2:{puzzle}MA=="));
            self.puzzles.push(puzzle);
            self.deadline = now + self.rules.ttl;
        }
    }

    fn on_stamp(&mut self, stamp: &[u8], now: Duration) {
        let fields: Vec<&[u8]> = stamp.split(|&byte| byte == b':').collect();
        let counter = fields[fields.len() - 1];
        let before_counter = &stamp[..stamp.len() - counter.len()];
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let is_counter =
            !counter.is_empty() && counter.len() <= 32 && counter.iter().all(is_base64);
        let puzzle = self.puzzles.last().map(String::as_bytes);
        if fields.len() < 7 || fields[0] != b"1" || !is_counter {
            self.refuse("hashcash header not correct", now);
        } else if puzzle != Some(before_counter) {
            self.refuse("hashcash header not found", now);
        } else if now >= self.deadline {
            self.refuse("hashcash expiration exceeded", now);
        } else if !self.rules.terms.difficulty.is_met_by(stamp) {
            self.refuse("hashcash header not correct", now);
        } else {
            self.answers.push(SERVED.to_string());
            self.finish(End::Served, now);
        }
    }

    fn refuse(&mut self, why: &str, now: Duration) {
        if self.end.is_none() {
            self.answers.push(format!("0:{why}"));
            self.finish(End::Refused, now);
        }
    }

    fn finish(&mut self, how: End, now: Duration) {
        self.end = Some(how);
        self.deadline = now + DELIVERY;
    }
}

/// A stamp of the puzzle that begins with `prefix`, whose hash is good or is not, as `right` says. All
/// such stamps are equally long.
pub(crate) fn stamp(prefix: &str, right: bool, difficulty: Difficulty) -> String {
    let mut stamps = (0..).map(|counter: u32| format!("{prefix}{counter:08x}"));
    let stamp = stamps.find(|stamp| difficulty.is_met_by(stamp.as_bytes()) == right);
    stamp.expect("one of infinitely many")
}

/// RFC 4648, 4, for lengths that are a multiple of three.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let of_three = |three: &[u8]| {
        let bits = three
            .iter()
            .fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]))
    };
    bytes.chunks(3).flat_map(of_three).collect()
}
