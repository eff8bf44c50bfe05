//! The options of a program, from the command line, the environment and a file. A flag beats the
//! environment, and the environment beats the file.
//!
//! Each option is one line in the program's table, a [`Spec`]. The help text, the README's rows and
//! the names of the environment variables follow from the table. A program reads its options by
//! name with the methods of [`Options`]; [`Program::unread_options`] finds those that it does not
//! read.

mod arguments;
mod audit;
mod command_line;
mod environment;
mod file;
mod given;
mod help;
mod known;
mod readers;
mod run;
mod spec;

use std::fmt;

pub use command_line::Request;
pub use file::read_bounded;
pub use readers::{Options, whole_number};
pub use spec::Spec;

/// A program as `--help` and `--version` show it.
#[derive(Debug)]
pub struct Program {
    /// The name of the binary.
    pub name: &'static str,
    /// The rest of the usage line, after the name.
    pub usage: &'static str,
    /// One sentence that says what the program does.
    pub about: &'static str,
    /// The version, such as `1.2.3`.
    pub version: &'static str,
    /// All options except `--config`, `--help` and `--version`, which every program has.
    pub options: &'static [Spec],
}

/// A mistake in the command line, the environment or the file of options. The text names the option
/// and the value, and says what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(String);

impl UsageError {
    /// Creates an error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}
