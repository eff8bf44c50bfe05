//! Measures the parts of a handshake on the server: the check of a stamp compared with one SHA-1,
//! puzzles, messages and lines.

use std::hint::black_box;

use divan::Bencher;
use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::{Challenge, Dialect, Difficulty, Puzzle, Stamp, Terms};
use powtcp_common::line::LineBuffer;
use powtcp_common::message::{MAX_CLIENT_LINE, Message};
use sha1::{Digest, Sha1};

const PUZZLE: &[u8] = b"1:16:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==";

fn main() {
    divan::main();
}

fn challenge() -> Challenge {
    Challenge::parse(PUZZLE).expect("a puzzle")
}

fn puzzle() -> Puzzle {
    let terms = Terms {
        dialect: Dialect::Hashcash,
        difficulty: Difficulty::from_bits(16).expect("16 of 160 bits"),
    };
    let client = ClientAddr::from(std::net::SocketAddr::from(([127, 0, 0, 1], 52386)));
    Puzzle::new(black_box(terms), client, 1_795_344_840, |_| {
        *b"abcdefghijkl"
    })
}

#[divan::bench(sample_size = 1000)]
fn bare_sha1_of_a_stamp(bencher: Bencher<'_, '_>) {
    let stamp = challenge().stamp(123_456);
    bencher.bench(|| Sha1::digest(black_box(&stamp)));
}

/// Reads every field of a right stamp and hashes it: what a server does apart from the signature.
#[divan::bench(sample_size = 1000)]
fn check_of_a_stamp(bencher: Bencher<'_, '_>) {
    let text = challenge().stamp(123_456);
    bencher.bench(|| {
        let stamp = Stamp::parse(black_box(&text)).ok()?;
        let (rand, issued, terms) = (stamp.rand()?, stamp.issued()?, stamp.terms()?);
        Some((rand, issued, terms.difficulty.is_met_by(stamp.text())))
    });
}

#[divan::bench(sample_size = 1000)]
fn puzzle_text(bencher: Bencher<'_, '_>) {
    bencher.bench(puzzle);
}

#[divan::bench(sample_size = 1000)]
fn challenge_from_text(bencher: Bencher<'_, '_>) {
    bencher.bench(|| Challenge::parse(black_box(PUZZLE)));
}

#[divan::bench(sample_size = 1000)]
fn line_and_message(bencher: Bencher<'_, '_>) {
    let line = [b"3:", challenge().stamp(123_456).as_slice(), b"\n"].concat();
    let mut lines = LineBuffer::<MAX_CLIENT_LINE>::new();
    bencher.bench_local(|| {
        let mut input = black_box(line.as_slice());
        let line = lines.next_line(&mut input);
        line.ok()
            .flatten()
            .is_some_and(|line| Message::parse(&line).is_ok())
    });
}

/// Cuts a line that arrives in two pieces, which is the only case with a copy.
#[divan::bench(sample_size = 1000)]
fn line_cut_in_two(bencher: Bencher<'_, '_>) {
    let line = [b"3:", challenge().stamp(123_456).as_slice(), b"\n"].concat();
    let mut lines = LineBuffer::<MAX_CLIENT_LINE>::new();
    bencher.bench_local(|| {
        let (mut start, mut end) = black_box(line.as_slice()).split_at(40);
        let cut = lines.next_line(&mut start) == Ok(None);
        cut && lines.next_line(&mut end).is_ok_and(|line| line.is_some())
    });
}
