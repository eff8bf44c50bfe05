//! Guards the parser against bytes of strangers: valid, changed and random headers, cut anywhere.

use super::headers::{CHECKSUM, all, binary};
use super::oracle::{Reading, read};
use super::parse;
use powtcp_server::protocol::proxy_header::{MAX_HEADER_LEN, MAX_LINE_LEN};

/// Headers that are tried.
const COUNT: u64 = 1_000_000;
const SEED: u64 = 0x5eed_0bad_4ead;

/// The generator SplitMix64, which takes little time without optimization.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    fn bytes(&mut self, max: usize) -> Vec<u8> {
        let len = self.below(max + 1);
        (0..len).map(|_| self.byte()).collect()
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn header(&mut self, valid: &[Vec<u8>]) -> Vec<u8> {
        let mut header = match self.below(8) {
            0 => self.bytes(40),
            1 | 2 => self.binary(),
            3 | 4 => self.line(),
            _ => valid[self.below(valid.len())].clone(),
        };
        for _ in 0..self.pick(&[0, 0, 1, 1, 2, 4]) {
            self.change(&mut header);
        }
        header.extend(self.bytes(4));
        header
    }

    fn line(&mut self) -> Vec<u8> {
        const WORDS: &[&str] = &[
            "TCP4",
            "TCP6",
            "UNKNOWN",
            "1.2.3.4",
            "255.255.255.255",
            "::",
            "2001:db8::7",
            "::ffff:1.2.3.4",
            "0",
            "65535",
            "65536",
            "443",
            "\r",
            "\n",
            "01",
            "",
            "1:2:3:4:5:6:7:8",
        ];
        let family = self.pick(&["TCP4", "TCP4", "TCP6", "UNKNOWN"]);
        let is_ipv6 = family == "TCP6";
        let mut words = vec!["PROXY", family];
        for _ in 0..2 {
            words.push(self.pick(if is_ipv6 { &WORDS[5..8] } else { &WORDS[3..5] }));
        }
        words.extend([self.pick(&WORDS[8..12]), self.pick(&WORDS[8..12])]);
        if self.below(4) == 0 {
            let place = self.below(words.len());
            words[place] = self.pick(WORDS);
        }
        (words.join(" ") + self.pick(&["\r\n", "\r\n", "\r\n", "\n", "\r\r\n", ""])).into_bytes()
    }

    fn binary(&mut self) -> Vec<u8> {
        let command = self.pick(&[0x20, 0x21, 0x21, 0x21]);
        let family = self.pick(&[0x00, 0x11, 0x11, 0x21, 0x21, 0x12, 0x31, 0x02, 0x5f]);
        let block_len = self.pick(&[0, 12, 12, 36, 36, 36, 216, 11]);
        let block: Vec<_> = (0..block_len).map(|_| self.byte()).collect();
        let mut extensions = Vec::new();
        for _ in 0..self.below(4) {
            let value = self.bytes(9);
            let kind = self.pick(&[1, 3, 4, 5, 0x20, 0xea]);
            extensions.push([&[kind, 0, value.len() as u8][..], &value].concat());
        }
        if self.below(2) == 0 {
            let place = self.below(extensions.len() + 1);
            extensions.insert(place, CHECKSUM.to_vec());
        }
        let extensions: Vec<_> = extensions.iter().map(Vec::as_slice).collect();
        binary(command, family, &block, &extensions)
    }

    fn change(&mut self, header: &mut Vec<u8>) {
        if header.is_empty() {
            return;
        }
        let place = self.below(header.len().min(80));
        match self.below(4) {
            0 => header[place] ^= 1 << self.below(8),
            1 => header[place] = self.pick(b" \r\n:.0159afP\0\x03\x04\xff"),
            2 => header.insert(place, self.pick(b" \r\n:.0159afP\0\x03\x04\xff")),
            _ => drop(header.remove(place)),
        }
    }
}

/// Completes bytes that lack their end with bytes that do no harm.
fn completed(bytes: &[u8]) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    if bytes.starts_with(b"P") {
        whole.extend(b"\r\n");
        return whole;
    }
    whole.resize(whole.len().max(16), 0);
    let len = 16 + usize::from(whole[14]) * 256 + usize::from(whole[15]);
    whole.resize(whole.len().max(len), 0);
    whole
}

#[test]
fn a_million_random_headers_are_read_as_by_the_second_parser() {
    let mut valid: Vec<_> = all().into_iter().map(|(header, _)| header).collect();
    // One header is as long as hundreds of others.
    valid.retain(|header| header.len() < 300);
    let mut random = Random(SEED);
    let mut counts = [0_u64; 3];
    for index in 0..COUNT {
        let header = random.header(&valid);
        let (start, rest) = header.split_at(random.below(header.len() + 1));
        let (middle, end) = rest.split_at(random.below(rest.len() + 1));
        let (result, taken) = parse(&[start, middle, end]);
        let context = || format!("header {index}: {} -> {result:?}", header.escape_ascii());
        let bound = if header.starts_with(b"P") {
            MAX_LINE_LEN
        } else {
            MAX_HEADER_LEN
        };
        assert!(taken <= bound, "{}", context());
        match (read(&header), result) {
            (Reading::Complete(endpoints, len), Ok(Some(parsed))) => {
                assert_eq!((parsed, taken), (endpoints, len), "{}", context());
                counts[0] += 1;
            }
            (Reading::Incomplete, Ok(None)) => counts[1] += 1,
            (Reading::Malformed, Err(_)) => counts[2] += 1,
            // The parser may know before the end that there will be no header.
            (Reading::Incomplete, Err(_)) => {
                let whole = completed(&header);
                let is_malformed = !matches!(read(&whole), Reading::Complete(..));
                assert!(is_malformed, "{}", context());
                counts[2] += 1;
            }
            (reading, _) => panic!("{reading:?}, {}", context()),
        }
    }
    // The generator is worth nothing if it makes one kind only.
    assert!(counts.iter().all(|&count| count > COUNT / 50), "{counts:?}");
}
