//! Splits a byte stream into lines. The stream arrives in pieces, which may end anywhere in a line.

use std::borrow::Cow;
use std::fmt;

/// Cuts lines from a stream that arrives in pieces, and keeps at most the start of one line.
///
/// `LIMIT` is the maximum length of a line in bytes, including its `\n`. It stops a peer that sends
/// a line without an end, which would otherwise fill our memory.
///
/// A line within one piece is borrowed from this piece; only a line that was cut is copied. The
/// buffer takes 16 bytes, and heap memory only while it holds the start of a line. Each byte is
/// searched for a newline once.
#[derive(Debug, Default)]
pub struct LineBuffer<const LIMIT: usize> {
    /// The start of a line without its end, shorter than `LIMIT` unless that line is too long.
    partial: Box<[u8]>,
}

/// A line has no `\n` in its first `LIMIT` bytes. The caller closes the connection: the stream
/// cannot be split into lines any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong;

impl<const LIMIT: usize> LineBuffer<LIMIT> {
    /// Creates an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line from the front of `input`, and returns it without its `\n` and without
    /// one `\r` before the `\n`.
    ///
    /// Returns `Ok(None)` when `input` is used up and the line continues in the next piece.
    ///
    /// # Errors
    /// [`LineTooLong`] as soon as `LIMIT` bytes came without a `\n`, and for ever after. It leaves
    /// `input` unchanged.
    pub fn next_line<'input>(
        &mut self,
        input: &mut &'input [u8],
    ) -> Result<Option<Cow<'input, [u8]>>, LineTooLong> {
        let room = LIMIT - self.partial.len();
        let window = &input[..input.len().min(room)];
        let Some(newline) = window.iter().position(|&byte| byte == b'\n') else {
            if window.len() == room {
                self.keep(window);
                return Err(LineTooLong);
            }
            self.keep(window);
            *input = &[];
            return Ok(None);
        };
        let (end, rest) = (&input[..newline], &input[newline + 1..]);
        *input = rest;
        if self.partial.is_empty() {
            return Ok(Some(Cow::Borrowed(end.strip_suffix(b"\r").unwrap_or(end))));
        }
        self.keep(end);
        let mut line = Vec::from(std::mem::take(&mut self.partial));
        line.pop_if(|last| *last == b'\r');
        Ok(Some(Cow::Owned(line)))
    }

    /// Takes the start of a line whose end has not come.
    pub fn take_partial(&mut self) -> Box<[u8]> {
        std::mem::take(&mut self.partial)
    }

    /// Allocates exactly what is needed: each connection of a server has a buffer.
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

#[cfg(test)]
mod tests {
    use super::*;

    type Buffer = LineBuffer<8>;

    /// Returns all lines of `pieces`, and whether the stream ended with a line that is too long.
    fn lines_of(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
        let mut buffer = Buffer::new();
        let mut lines = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            loop {
                match buffer.next_line(&mut input) {
                    Ok(Some(line)) => lines.push(line.into_owned()),
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
    fn memory_is_held_only_while_a_line_is_cut() {
        assert_eq!(size_of::<Buffer>(), 16);
        let mut buffer = Buffer::new();
        let mut input: &[u8] = b"whole\nhal";
        let whole = buffer.next_line(&mut input).unwrap();
        assert!(matches!(whole, Some(Cow::Borrowed(b"whole"))));
        assert_eq!(buffer.partial.len(), 0);
        assert_eq!(buffer.next_line(&mut input), Ok(None));
        assert_eq!(buffer.partial.len(), 3);
        let half = buffer.next_line(&mut &b"f\n"[..]).unwrap();
        assert!(matches!(half, Some(Cow::Owned(line)) if line == b"half"));
        assert_eq!(buffer.partial.len(), 0);
    }
}
