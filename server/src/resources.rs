//! What a client gets for its work: one line out of many.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use powtcp_common::message::MAX_SERVER_LINE;

/// The longest resource in bytes: what a line to a client holds beside `4:` and `\n`.
const MAX_RESOURCE_LEN: usize = MAX_SERVER_LINE - 3;

/// The resources of a server: at least one, each fits into one message.
#[derive(Debug)]
pub struct Resources {
    lines: Vec<String>,
}

/// Why a file of resources was refused. Lines count from 1.
#[derive(Debug)]
pub enum ResourcesError {
    /// It could not be read.
    Unreadable(io::Error),
    /// This line is not UTF-8.
    NotUtf8(usize),
    /// This line is so many bytes long.
    TooLong(usize, usize),
    /// There is not one line in it that is not blank.
    Empty,
}

impl Resources {
    /// The quotes in the binary.
    pub fn built_in() -> Self {
        Self {
            lines: include_str!("quotes.txt")
                .lines()
                .map(str::to_string)
                .collect(),
        }
    }

    /// Reads a file of one resource a line. Blank lines do not count.
    ///
    /// # Errors
    /// [`ResourcesError`], with the number of the first line that is wrong.
    pub fn load(path: &Path) -> Result<Self, ResourcesError> {
        Self::parse(&fs::read(path).map_err(ResourcesError::Unreadable)?)
    }

    /// One of them, as `random` says; all are equally likely to within one in 2^32.
    pub fn pick(&self, random: u32) -> &str {
        let index = (u64::from(random) * self.lines.len() as u64) >> 32;
        self.lines.get(index as usize).map_or("", String::as_str)
    }

    fn parse(bytes: &[u8]) -> Result<Self, ResourcesError> {
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
    fn the_quotes_in_the_binary_are_resources() {
        let built_in = Resources::built_in();
        let parsed = Resources::parse(include_bytes!("quotes.txt")).unwrap();
        assert_eq!(built_in.lines, parsed.lines);
        assert!(built_in.lines.len() >= 10);
    }

    #[test]
    fn a_bad_file_is_refused_with_the_line() {
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
