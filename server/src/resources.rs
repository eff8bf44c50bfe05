//! The resources that clients get for their stamps: lines of text.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use powtcp_common::message::MAX_SERVER_LINE;
use powtcp_options::read_bounded;

/// The longest resource in bytes: a line of the server without `4:` and `\n`.
const MAX_RESOURCE_LEN: usize = MAX_SERVER_LINE - 3;
/// The longest file of resources in bytes. The bound ends the reading of a device.
const MAX_FILE_LEN: usize = 16 << 20;

/// The resources of a server: at least one, each of which fits into one message.
#[derive(Debug)]
pub struct Resources {
    lines: Vec<String>,
}

/// Why a file of resources was rejected. Lines count from 1.
#[derive(Debug)]
pub enum ResourcesError {
    /// It could not be read.
    Unreadable(io::Error),
    /// This line is not UTF-8.
    NotUtf8(usize),
    /// This line is too long: its number, and its length in bytes.
    TooLong(usize, usize),
    /// Every line is blank.
    Empty,
}

impl Resources {
    /// Returns the quotes in the binary.
    pub fn built_in() -> Self {
        Self {
            lines: include_str!("quotes.txt")
                .lines()
                .map(str::to_string)
                .collect(),
        }
    }

    /// Reads a file with one resource a line. Blank lines and a byte order mark are ignored.
    ///
    /// # Errors
    /// [`ResourcesError`], with the number of the first bad line.
    pub fn load(path: &Path) -> Result<Self, ResourcesError> {
        let file = File::open(path).map_err(ResourcesError::Unreadable)?;
        let bytes = read_bounded(file, MAX_FILE_LEN).map_err(ResourcesError::Unreadable)?;
        Self::parse(&bytes)
    }

    /// Returns the number of resources.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Picks a resource by `random`, all with the same probability to within 2^-32.
    pub fn pick(&self, random: u32) -> &str {
        let index = (u64::from(random) * self.lines.len() as u64) >> 32;
        self.lines.get(index as usize).map_or("", String::as_str)
    }

    fn parse(bytes: &[u8]) -> Result<Self, ResourcesError> {
        // Some editors begin a file with a byte order mark, which is no part of the first resource.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut lines = Vec::new();
        for (line, number) in bytes.split(|&byte| byte == b'\n').zip(1..) {
            let line = str::from_utf8(line).map_err(|_| ResourcesError::NotUtf8(number))?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.len() > MAX_RESOURCE_LEN {
                return Err(ResourcesError::TooLong(number, line.len()));
            }
            if !line.trim().is_empty() {
                lines.push(line.to_string());
            }
        }
        if lines.is_empty() {
            Err(ResourcesError::Empty)
        } else {
            Ok(Self { lines })
        }
    }
}

impl fmt::Display for ResourcesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::NotUtf8(line) => write!(f, "line {line} is not UTF-8"),
            Self::TooLong(line, len) => {
                write!(
                    f,
                    "line {line} has {len} bytes, the longest may have {MAX_RESOURCE_LEN}"
                )
            }
            Self::Empty => f.write_str("line 1: the file has no resource, every line is blank"),
        }
    }
}

impl std::error::Error for ResourcesError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_can_be_picked() {
        let resources = Resources::parse("one\r\n\n  \ntwo\nthree".as_bytes()).unwrap();
        let steps = [0, u32::MAX / 3 + 1, u32::MAX / 3 * 2 + 2, u32::MAX];
        assert_eq!(
            steps.map(|random| resources.pick(random)),
            ["one", "two", "three", "three"]
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_resource() {
        let parse = |text: &str| Resources::parse(text.as_bytes());
        assert_eq!(parse("\u{feff}one\ntwo").unwrap().lines, ["one", "two"]);
        assert_eq!(parse("\u{feff}\r\none").unwrap().lines, ["one"]);
        assert!(parse("\u{feff}\n").is_err());
        // Only the first is a mark; a later one is a character of its resource.
        assert_eq!(parse("a\n\u{feff}b").unwrap().lines, ["a", "\u{feff}b"]);
    }

    #[test]
    fn the_quotes_in_the_binary_are_resources() {
        let built_in = Resources::built_in();
        let parsed = Resources::parse(include_bytes!("quotes.txt")).unwrap();
        assert_eq!(built_in.lines, parsed.lines);
        assert!(built_in.lines.len() >= 10);
    }

    #[test]
    fn a_bad_file_is_rejected_with_its_line() {
        let reason = |bytes: &[u8]| Resources::parse(bytes).unwrap_err().to_string();
        assert_eq!(reason(b"good\nb\xffd\n"), "line 2 is not UTF-8");
        assert!(reason(b"\n \n").contains("no resource"));
        assert!(reason(b"").contains("no resource"));
        let longest = "x".repeat(MAX_RESOURCE_LEN);
        assert!(Resources::parse(longest.as_bytes()).is_ok());
        let reason = reason(format!("good\n\n{longest}x\n").as_bytes());
        assert_eq!(reason, "line 3 has 65534 bytes, the longest may have 65533");
    }
}
