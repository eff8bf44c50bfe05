//! The wire protocol as a model: byte by byte and field by field, without the server's parser. From the
//! server's packages it takes only SHA-1 and the texts of refusals. Tests compare sessions with it.

use std::time::Duration;

use powtcp_common::hashcash::Dialect;
use powtcp_common::refusal::Refusal;

use super::answers::refusal;
use super::conversation::{End, SERVED, rand};
use super::rules::Rules;

/// How long the server waits for the delivery of the last answer.
const DELIVERY: Duration = Duration::from_secs(5);

/// One connection. All times count from the start of the server.
#[derive(Clone)]
pub(crate) struct Protocol {
    rules: Rules,
    client: &'static str,
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// Every puzzle that was sent, without its counter. The last one is outstanding.
    pub(crate) puzzles: Vec<String>,
    /// Whether the system gives no random bytes.
    pub(crate) out_of_entropy: bool,
    pub(crate) end: Option<End>,
    pub(crate) deadline: Duration,
    /// The answers to the call in progress.
    answers: Vec<String>,
}

impl Protocol {
    /// Creates a connection at time zero. `client` is its address as the dialect of `rules` writes it.
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

    /// Returns whether the client holds a puzzle that it may still solve.
    pub(crate) fn holds_puzzle(&self) -> bool {
        !self.puzzles.is_empty() && self.end.is_none()
    }

    /// Returns the answers to `bytes`.
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
                self.refuse(Refusal::MessageTooLong, now);
            }
        }
        std::mem::take(&mut self.answers)
    }

    /// Ends the connection because the client has ended its stream.
    pub(crate) fn eof(&mut self, now: Duration) {
        if self.end.is_none() {
            self.finish(End::Left, now);
        }
    }

    /// Returns the answers to a look at the clock.
    pub(crate) fn on_deadline(&mut self, now: Duration) -> Vec<String> {
        if now >= self.deadline && self.holds_puzzle() {
            self.refuse(Refusal::PuzzleExpired, now);
        } else if now >= self.deadline {
            self.refuse(Refusal::TimeoutExceeded, now);
        }
        std::mem::take(&mut self.answers)
    }

    /// Returns the answers to a shutdown of the server.
    pub(crate) fn on_shutdown(&mut self, now: Duration) -> Vec<String> {
        if !self.holds_puzzle() {
            self.refuse(Refusal::ShuttingDown, now);
        }
        std::mem::take(&mut self.answers)
    }

    /// Returns the answers to an eviction.
    pub(crate) fn evict(&mut self, now: Duration) -> Vec<String> {
        self.refuse(Refusal::ServerBusy, now);
        std::mem::take(&mut self.answers)
    }

    /// Returns the puzzle that follows `number` others, without its counter.
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
            _ => self.refuse(Refusal::IncorrectMessage, now),
        }
    }

    fn on_request(&mut self, now: Duration) {
        if self.puzzles.len() == self.rules.max_puzzles as usize {
            self.refuse(Refusal::TooManyPuzzles, now);
        } else if self.out_of_entropy {
            self.refuse(Refusal::InternalError, now);
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
            self.refuse(Refusal::StampNotCorrect, now);
        } else if puzzle != Some(before_counter) {
            self.refuse(Refusal::StampNotFound, now);
        } else if now >= self.deadline {
            self.refuse(Refusal::PuzzleExpired, now);
        } else if !self.rules.terms.difficulty.is_met_by(stamp) {
            self.refuse(Refusal::StampNotCorrect, now);
        } else {
            self.answers.push(SERVED.to_string());
            self.finish(End::Served, now);
        }
    }

    fn refuse(&mut self, why: Refusal, now: Duration) {
        if self.end.is_none() {
            self.answers.push(refusal(why));
            self.finish(End::Refused, now);
        }
    }

    fn finish(&mut self, how: End, now: Duration) {
        self.end = Some(how);
        self.deadline = now + DELIVERY;
    }
}

/// Encodes `bytes`, whose number must be a multiple of three (RFC 4648, section 4).
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
