//! A program's options: from the command line, the environment and a file, in this order.
//!
//! An option `--some-name` is also `POWTCP_SOME_NAME` in the environment and in the file that
//! `--config` names. A program lists its options in a table; the table makes the help text, finds
//! the values and knows every name there is, so that none of the three can differ.

mod help;
mod run;
mod source;
mod values;

use std::fmt;

pub use source::Request;
pub use values::{Options, duration, whole_number};

/// A program, as `--help` and `--version` show it.
#[derive(Debug)]
pub struct Program {
    /// The name of the binary.
    pub name: &'static str,
    /// What follows the name in the usage line.
    pub usage: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// What `--version` prints.
    pub version: &'static str,
    /// All options, `--config`, `--help` and `--version` left out.
    pub options: &'static [Spec],
}

/// One option of a program.
#[derive(Debug)]
pub struct Spec {
    /// `-l`, or empty where there is no short form.
    pub short: &'static str,
    /// `--listen`; or, of the argument that has no name, the word for it in the usage line.
    pub long: &'static str,
    /// The word for the value in the help text; empty for a switch, which takes none.
    pub value: &'static str,
    /// What holds where nothing is given.
    pub default: Default,
    /// What it means, in a few words.
    pub help: &'static str,
    /// The environment variable.
    pub variable: &'static str,
}

/// What holds where an option is not given.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// This value, read like one that was given.
    Value(&'static str),
    /// Something that no value says; the words are for the help text.
    Words(&'static str),
    /// A switch is off.
    Off,
}

/// A mistake of whoever started the program: names the option, the value and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(String);

impl Spec {
    fn is_positional(&self) -> bool {
        !self.long.starts_with('-')
    }
}

impl UsageError {
    /// An error that says `text`.
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
