//! The options that were given, and what is read from them.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Default, Spec, UsageError};
use crate::duration;

/// The options of one run of a program, as they were typed.
#[derive(Debug)]
pub struct Options {
    specs: &'static [Spec],
    /// One for each of `specs`.
    given: Vec<Option<Given>>,
}

/// A value, and where it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) option: &'static str,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// Where a value was given, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In this line of the file of `--config`, written as `PATH:LINE`.
    File(String),
    /// In this environment variable.
    Environment(&'static str),
    /// On the command line.
    Flag,
}

impl Options {
    pub(super) const fn new(specs: &'static [Spec], given: Vec<Option<Given>>) -> Self {
        Self { specs, given }
    }

    /// The value of the option `name`, read by `parse`. `None` where it is not given and its
    /// default is no value.
    ///
    /// # Errors
    /// [`UsageError`] where `parse` returns `None`; it says that `expected` would be right.
    pub fn value<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, UsageError> {
        match self.find(name) {
            Some((_, Some(given))) => match parse(&given.value) {
                None => Err(given.wrong(expected)),
                value => Ok(value),
            },
            Some((
                Spec {
                    default: Default::Value(value),
                    ..
                },
                None,
            )) => Ok(parse(value)),
            _ => Ok(None),
        }
    }

    /// Like [`Options::value`], for an option that must have one.
    ///
    /// # Errors
    /// [`UsageError`] also where there is none.
    pub fn required<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, UsageError> {
        let missing = || UsageError::new(format!("{name}: missing, expected {expected}"));
        self.value(name, expected, parse)?.ok_or_else(missing)
    }

    /// Whether the switch `name` is on.
    ///
    /// # Errors
    /// [`UsageError`] where the environment or the file has it neither true nor false.
    pub fn switch(&self, name: &str) -> Result<bool, UsageError> {
        let parse = |value: &str| match value {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        Ok(self.value(name, "true or false", parse)?.unwrap_or(false))
    }

    /// The error of a value of the option `name` that cannot be used, for a `reason` of its own.
    pub fn unusable(&self, name: &str, reason: impl fmt::Display) -> UsageError {
        match self.find(name) {
            Some((_, Some(given))) => UsageError::new(format!("{given}: {reason}")),
            _ => UsageError::new(format!("{name}: {reason}")),
        }
    }

    /// Which of two options was given in the stronger place: a flag beats the environment, and that
    /// the file.
    pub fn stronger(&self, one: &str, other: &str) -> Ordering {
        let rank = |name| {
            self.find(name)
                .and_then(|(_, given)| Some(given?.origin.rank()))
        };
        rank(one).cmp(&rank(other))
    }

    fn find(&self, name: &str) -> Option<(&'static Spec, Option<&Given>)> {
        let index = self.specs.iter().position(|spec| spec.long == name)?;
        Some((&self.specs[index], self.given[index].as_ref()))
    }
}

impl Given {
    pub(super) const fn flag(option: &'static str, value: String) -> Self {
        Self {
            option,
            value,
            origin: Origin::Flag,
        }
    }

    pub(super) fn new(
        option: &'static str,
        value: OsString,
        origin: Origin,
    ) -> Result<Self, UsageError> {
        match value.into_string() {
            Ok(value) => Ok(Self {
                option,
                value,
                origin,
            }),
            Err(value) => {
                let value = value.to_string_lossy().into_owned();
                Err(Self {
                    option,
                    value,
                    origin,
                }
                .wrong("text in UTF-8"))
            }
        }
    }

    fn wrong(&self, expected: &str) -> UsageError {
        UsageError::new(format!("{self} is wrong, expected {expected}"))
    }
}

/// The option, where it came from if it was no flag, and the value.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            option,
            value,
            origin,
        } = self;
        match origin {
            Origin::File(place) => write!(f, "{option} ({place})")?,
            Origin::Environment(variable) => write!(f, "{option} ({variable})")?,
            Origin::Flag => f.write_str(option)?,
        }
        write!(f, ": '{}'", value.escape_debug())
    }
}

impl Origin {
    const fn rank(&self) -> u8 {
        match self {
            Self::File(_) => 0,
            Self::Environment(_) => 1,
            Self::Flag => 2,
        }
    }
}

/// Reads a decimal number of `range`: digits only, no sign.
pub fn whole_number(text: &str, range: RangeInclusive<u64>) -> Option<u64> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok()?;
    (digits_only && range.contains(&number)).then_some(number)
}

/// Reads a duration of `range`, such as `250ms` or `1h`.
pub fn duration(text: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
    duration::parse(text).filter(|duration| range.contains(duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_digits_only_and_lies_in_its_range() {
        assert_eq!(whole_number("1", 1..=64), Some(1));
        assert_eq!(whole_number("64", 1..=64), Some(64));
        for text in [
            "",
            "0",
            "65",
            "+5",
            "-1",
            "5 ",
            "0x5",
            "5.0",
            "99999999999999999999",
        ] {
            assert_eq!(whole_number(text, 1..=64), None, "{text}");
        }
    }
}
