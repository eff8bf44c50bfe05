//! The wire protocol as a model: byte by byte and field by field, without the server's parser. From the
//! server's packages it takes only SHA-1 and the texts of refusals. Tests compare sessions with it.
//!
//! The model knows the puzzles that its server has made, where the server knows their signatures.

use std::time::Duration;

use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_common::refusal::Refusal;
use sha1::{Digest, Sha1};

use super::answers::refusal;
use super::conversation::{End, SERVED};
use super::rules::{Rules, SECRET, START};

/// How long the server waits for the delivery of the last answer.
const DELIVERY: Duration = Duration::from_secs(5);

/// One connection. All times count from the start of the server.
#[derive(Clone)]
pub(crate) struct Protocol {
    rules: Rules,
    difficulty: Difficulty,
    /// RESOURCE, and the bytes of the source that are signed.
    client: (&'static str, &'static [u8]),
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// Every puzzle that was sent, without its counter, and when.
    pub(crate) puzzles: Vec<(String, Duration)>,
    pub(crate) end: Option<End>,
    pub(crate) deadline: Duration,
    /// The answers to the call in progress.
    answers: Vec<String>,
}

impl Protocol {
    /// Creates a connection at time zero. `client` is its address as the dialect of `rules` writes it, and
    /// its source.
    pub(crate) fn new(
        rules: Rules,
        difficulty: Difficulty,
        client: (&'static str, &'static [u8]),
    ) -> Self {
        Self {
            difficulty,
            client,
            line: Vec::new(),
            puzzles: Vec::new(),
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

    /// Returns the puzzle that is made at `now`, without its counter. Several puzzles at one time differ by
    /// one unit of the fraction each.
    fn puzzle(&self, now: Duration) -> String {
        let bits = self.difficulty.bits();
        let (units, start) = match self.rules.dialect {
            Dialect::Hashcash => (bits, "26"),
            Dialect::Powtcp => (bits / 4, "2026"),
        };
        let time = START + now;
        let fraction = (u64::from(time.subsec_nanos()) << 24) / 1_000_000_000;
        let mut issued = time.as_secs() << 24 | fraction;
        if let Some((last, _)) = self.puzzles.last() {
            issued = issued.max(issue_time(last) + 1);
        }
        let seconds = (issued >> 24) - 1_795_305_600; // 2026-11-22T00:00:00Z
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let date = format!("{start}1122{hours:02}{minutes:02}{:02}", seconds % 60);
        let (resource, source) = self.client;
        let head = format!("1:{units}:{date}:{resource}::");
        let mut rand = issued.to_be_bytes()[5..].to_vec();
        rand.push(bits);
        rand.extend(&hmac(&[head.as_bytes(), &rand, source].concat())[..8]);
        format!("{head}{}:", base64(&rand))
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
        } else {
            let puzzle = self.puzzle(now);
            self.answers.push(format!("2:{puzzle}MA=="));
            if self.puzzles.is_empty() {
                self.deadline = now + self.rules.ttl;
            }
            self.puzzles.push((puzzle, now));
        }
    }

    fn on_stamp(&mut self, stamp: &[u8], now: Duration) {
        let fields: Vec<&[u8]> = stamp.split(|&byte| byte == b':').collect();
        let counter = fields[fields.len() - 1];
        let before_counter = &stamp[..stamp.len() - counter.len()];
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let is_counter =
            !counter.is_empty() && counter.len() <= 32 && counter.iter().all(is_base64);
        let is_ours = |(puzzle, _): &(String, Duration)| puzzle.as_bytes() == before_counter;
        if fields.len() < 7 || fields[0] != b"1" || !is_counter {
            self.refuse(Refusal::StampNotCorrect, now);
        } else if !self.puzzles.iter().any(is_ours) {
            self.refuse(Refusal::StampNotFound, now);
        } else if !self.difficulty.is_met_by(stamp) {
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

/// Returns the time of issue of a puzzle of 2026-11-22, in units of 2^-24 s since the Unix epoch.
fn issue_time(puzzle: &str) -> u64 {
    let fields: Vec<&str> = puzzle.rsplitn(3, ':').collect();
    let rand = unbase64(fields[1]);
    let fraction = rand[..3]
        .iter()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let date = puzzle.split(':').nth(2).expect("a date");
    let time = &date[date.len() - 6..];
    let pair = |at: usize| time[at..at + 2].parse::<u64>().expect("two digits");
    let seconds = 1_795_305_600 + 3600 * pair(0) + 60 * pair(2) + pair(4);
    seconds << 24 | fraction
}

/// Returns the HMAC-SHA1 of `text` under the secret (RFC 2104).
fn hmac(text: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| {
        let mut key = SECRET.to_vec();
        key.resize(64, 0);
        key.into_iter()
            .map(move |key| key ^ byte)
            .collect::<Vec<u8>>()
    };
    let inner = Sha1::digest([&pad(0x36), text].concat());
    Sha1::digest([&pad(0x5c)[..], &inner].concat()).to_vec()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn unbase64(text: &str) -> Vec<u8> {
    let value = |c: u8| {
        ALPHABET
            .iter()
            .position(|&other| other == c)
            .expect("base64")
    };
    let of_four = |four: &[u8]| {
        let bits = four.iter().fold(0, |bits, &c| bits << 6 | value(c));
        [16, 8, 0].map(|shift| (bits >> shift) as u8)
    };
    text.as_bytes().chunks(4).flat_map(of_four).collect()
}

/// Encodes `bytes`, whose number must be a multiple of three (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    let of_three = |three: &[u8]| {
        let bits = three
            .iter()
            .fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]))
    };
    bytes.chunks(3).flat_map(of_three).collect()
}
