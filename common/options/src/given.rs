//! The value of an option, and where it came from.

use std::ffi::OsString;
use std::fmt;

use crate::UsageError;

/// A value as it was typed.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// The long name of the option.
    pub(crate) option: &'static str,
    pub(crate) value: String,
    pub(crate) origin: Origin,
    /// The variable, or the file and line (`PATH:LINE`); empty for a flag and a default.
    pub(crate) place: String,
}

/// The kind of place where a value was given, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Default,
    File,
    Environment,
    Flag,
}

impl Given {
    /// Creates a value from a string of the operating system.
    ///
    /// # Errors
    /// [`UsageError`] for a value that is not UTF-8.
    pub(crate) fn new(
        option: &'static str,
        value: OsString,
        origin: Origin,
        place: String,
    ) -> Result<Self, UsageError> {
        let given = Self {
            option,
            value: value.to_string_lossy().into_owned(),
            origin,
            place,
        };
        if value.to_str().is_none() {
            return Err(given.wrong("text in UTF-8"));
        }
        Ok(given)
    }

    /// Returns the error for a value that its reader does not accept.
    pub(crate) fn wrong(&self, expected: &str) -> UsageError {
        UsageError::new(format!("{self} is wrong, expected {expected}"))
    }
}

/// Writes the option, the place unless it is the command line, and the value.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.option)?;
        if !self.place.is_empty() {
            write!(f, " ({})", self.place)?;
        }
        write!(f, ": '{}'", self.value.escape_debug())
    }
}
