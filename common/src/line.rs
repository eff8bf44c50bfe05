//! Splitting a byte stream into lines, whatever pieces it arrives in.

use std::fmt;

/// Cuts lines out of a stream that arrives in pieces, and keeps at most the start of one line.
///
/// `LIMIT` is the longest line in bytes, its `\n` counted. It stops the line without an end, which
/// would otherwise buy all of our memory for the price of its own bytes.
///
/// A line that lies whole within one piece is returned where it is; only a line that a piece cuts in
/// two is copied, and the copy is freed as soon as the line was used. Bytes that were searched for
/// a newline once are never searched again.
#[derive(Debug, Default)]
pub struct LineBuffer<const LIMIT: usize> {
    /// The start of a line whose end has not come yet, always shorter than `LIMIT`; or, until the
    /// next call, the whole of the line that was returned last, its `\n` included.
    partial: Box<[u8]>,
}

/// A line had no `\n` among its first `LIMIT` bytes. The stream has no next line any more: the
/// caller ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong;

impl<const LIMIT: usize> LineBuffer<LIMIT> {
    /// An empty buffer. It takes no heap memory before a line is cut in two.
    pub fn new() -> Self {
        Self {
            partial: Box::default(),
        }
    }

    /// Takes the next line off the front of `input`, without its `\n` and one `\r` before that.
    ///
    /// `Ok(None)` means that `input` is used up and the line goes on in the next piece.
    ///
    /// # Errors
    /// [`LineTooLong`] as soon as `LIMIT` bytes came without a `\n`; the rest of `input` stays.
    pub fn next_line<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
    ) -> Result<Option<&'a [u8]>, LineTooLong> {
        if self.partial.last() == Some(&b'\n') {
            self.partial = Box::default();
        }
        let room = LIMIT - self.partial.len();
        let window = &input[..input.len().min(room)];
        let Some(newline) = window.iter().position(|&byte| byte == b'\n') else {
            if window.len() == room {
                self.partial = Box::default();
                return Err(LineTooLong);
            }
            self.keep(window);
            *input = &[];
            return Ok(None);
        };
        let (line, rest) = input.split_at(newline + 1);
        *input = rest;
        if self.partial.is_empty() {
            return Ok(Some(without_ending(line)));
        }
        self.keep(line);
        Ok(Some(without_ending(&self.partial)))
    }

    /// Takes just the memory that it needs: there is a buffer for each connection.
    fn keep(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.partial = [&self.partial, bytes].concat().into();
        }
    }
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("line too long")
    }
}

impl std::error::Error for LineTooLong {}

fn without_ending(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Buffer = LineBuffer<8>;

    /// All lines of `pieces`, and whether the stream ended in a line that was too long.
    fn lines_of(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
        let mut buffer = Buffer::new();
        let mut lines = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            loop {
                match buffer.next_line(&mut input) {
                    Ok(Some(line)) => lines.push(line.to_vec()),
                    Ok(None) => break,
                    Err(LineTooLong) => return (lines, true),
                }
            }
            assert!(input.is_empty());
            assert!(buffer.partial.len() < 8);
        }
        (lines, false)
    }

    #[test]
    fn every_cut_gives_the_same_lines() {
        let stream = b"1:\n\n3:abc\r\n\r\r\n1234567\nrest";
        let expected = lines_of(&[stream]);
        let texts: Vec<&[u8]> = vec![b"1:", b"", b"3:abc", b"\r", b"1234567"];
        assert_eq!(
            expected,
            (texts.iter().map(|text| text.to_vec()).collect(), false)
        );
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(lines_of(&pieces), expected, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn the_limit_counts_the_newline() {
        assert_eq!(
            lines_of(&[b"1234567\n"]),
            (vec![b"1234567".to_vec()], false)
        );
        assert_eq!(lines_of(&[b"12345678\n"]), (vec![], true));
        assert_eq!(lines_of(&[b"1234567"]), (vec![], false));
        assert_eq!(lines_of(&[b"12345678"]), (vec![], true));
    }

    #[test]
    fn a_line_too_long_is_found_at_every_cut() {
        let stream = b"a\n12345678\nb\n";
        for cut in 0..=stream.len() {
            let result = lines_of(&[&stream[..cut], &stream[cut..]]);
            assert_eq!(result, (vec![b"a".to_vec()], true), "cut at {cut}");
        }
    }

    #[test]
    fn memory_is_held_only_for_a_line_cut_in_two() {
        let mut buffer = Buffer::new();
        let mut input: &[u8] = b"whole\nhal";
        assert_eq!(buffer.next_line(&mut input), Ok(Some(&b"whole"[..])));
        assert_eq!(buffer.partial.len(), 0);
        let mut buffer = Buffer::new();
        let mut input: &[u8] = b"hal";
        assert_eq!(buffer.next_line(&mut input), Ok(None));
        assert_ne!(buffer.partial.len(), 0);
        let mut input: &[u8] = b"f\n";
        assert_eq!(buffer.next_line(&mut input), Ok(Some(&b"half"[..])));
        assert_eq!(buffer.next_line(&mut &b""[..]), Ok(None));
        assert_eq!(buffer.partial.len(), 0);
    }
}
