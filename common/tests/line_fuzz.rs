//! Compares the line buffer with an oracle that works byte by byte, on random streams that are cut
//! at random places.

use powtcp_common::line::{LineBuffer, LineTooLong};
use powtcp_common::message::MAX_CLIENT_LINE;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The lines of a stream; and, if a line was too long, how many bytes were left of the piece in
/// which the limit was reached.
type Cut = (Vec<Vec<u8>>, Option<usize>);

fn cut<const LIMIT: usize>(pieces: &[Vec<u8>]) -> Cut {
    let mut buffer = LineBuffer::<LIMIT>::new();
    let mut lines = Vec::new();
    for piece in pieces {
        let mut input = piece.as_slice();
        loop {
            match buffer.next_line(&mut input) {
                Ok(Some(line)) => lines.push(line.into_owned()),
                Ok(None) => break,
                Err(LineTooLong) => return (lines, Some(input.len())),
            }
        }
        assert!(input.is_empty());
    }
    (lines, None)
}

fn cut_bytewise<const LIMIT: usize>(pieces: &[Vec<u8>]) -> Cut {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    for piece in pieces {
        // Where the current line begins in this piece.
        let mut start = 0;
        for (&byte, next) in piece.iter().zip(1..) {
            line.push(byte);
            if byte == b'\n' {
                line.pop();
                line.pop_if(|last| *last == b'\r');
                lines.push(std::mem::take(&mut line));
                start = next;
            } else if line.len() == LIMIT {
                return (lines, Some(piece.len() - start));
            }
        }
    }
    (lines, None)
}

fn pieces(longest: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop_oneof![3 => select(&b"\n\r"[..]), 9 => Just(b'x'), 1 => any::<u8>()];
    let run = (1..longest, byte).prop_map(|(len, byte)| match byte {
        b'\n' | b'\r' => vec![byte; 1 + len % 2],
        _ => vec![byte; len],
    });
    let piece = vec(run, 0..6).prop_map(|runs| runs.concat());
    vec(piece, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_cut_as_byte_by_byte(pieces in pieces(5)) {
        prop_assert_eq!(cut::<8>(&pieces), cut_bytewise::<8>(&pieces));
        prop_assert_eq!(cut::<2>(&pieces), cut_bytewise::<2>(&pieces));
    }

    #[test]
    fn lines_of_clients_are_cut_as_byte_by_byte(pieces in pieces(260)) {
        prop_assert_eq!(cut::<MAX_CLIENT_LINE>(&pieces), cut_bytewise::<MAX_CLIENT_LINE>(&pieces));
    }
}
