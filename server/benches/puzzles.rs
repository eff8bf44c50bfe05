//! The cost of a request for a puzzle, from the line to the reply, with a fixed difficulty and with one
//! that follows the load. Sockets are not part of it.

use std::net::SocketAddr;
use std::time::Duration;

use divan::{Bencher, black_box};
use powtcp_common::hashcash::{Dialect, Difficulty};
use powtcp_server::admission::{PRICING_KEY_LEN, Pricing};
use powtcp_server::protocol::{Mint, Rules, Sale, Service, Session};
use powtcp_server::time::Moment;

fn main() {
    divan::main();
}

fn difficulty(bits: u32) -> Difficulty {
    Difficulty::from_bits(bits).expect("no more bits than SHA-1 has")
}

fn request(bencher: Bencher<'_, '_>, most: u32) {
    let rules = Rules {
        dialect: Dialect::Hashcash,
        ttl: Duration::from_secs(60),
        handshake_timeout: Duration::from_secs(10),
        max_puzzles: u32::MAX,
    };
    let range = difficulty(20)..=difficulty(most);
    let mut pricing = Pricing::new(range, 50, rules.dialect, [7; PRICING_KEY_LEN]);
    let mut mint = Mint::new(&[7; 32], Duration::from_secs(1_795_344_840));
    let client = SocketAddr::from(([192, 0, 2, 7], 52386)).into();
    let mut session = Session::new(client, &rules, Moment::START);
    let mut now = Moment::START;
    bencher.bench_local(|| {
        // Puzzles made at one time run ahead of the clock, which is not what happens to a server.
        now = now.after(Duration::from_micros(1));
        let mut sale = Sale {
            rules: &rules,
            service: Service::Resource,
            mint: &mut mint,
            pricing: &mut pricing,
        };
        let mut input = &b"1:\n"[..];
        black_box(session.next_reply(&mut input, now, &mut sale)).is_some()
    });
}

#[divan::bench]
fn request_at_a_fixed_difficulty(bencher: Bencher<'_, '_>) {
    request(bencher, 20);
}

#[divan::bench]
fn request_at_a_difficulty_that_follows_the_load(bencher: Bencher<'_, '_>) {
    request(bencher, 26);
}
