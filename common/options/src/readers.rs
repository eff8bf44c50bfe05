//! Typed readers of options. What an error says is expected follows from the reader.

use std::cmp::Ordering;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::given::Given;
use crate::{Spec, UsageError};
use powtcp_common::duration;

/// The options of one run of a program, not yet validated.
#[derive(Debug)]
pub struct Options {
    specs: &'static [Spec],
    /// The value of each option that was given or has a default value.
    values: Vec<Given>,
    /// What the user should know of the places of options.
    warnings: Vec<String>,
}

/// Every reader returns a [`UsageError`] for a value that it does not accept. It also returns one
/// for a name that is not in the program's table: the program does not start then, so its tests
/// find the mistake.
impl Options {
    pub(crate) fn new(specs: &'static [Spec], values: Vec<Given>, warnings: Vec<String>) -> Self {
        Self {
            specs,
            values,
            warnings,
        }
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Reads a decimal number within `range`, of an option with a default value.
    pub fn number<T>(&self, name: &str, range: RangeInclusive<T>) -> Result<T, UsageError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let number = self.optional_number(name, range)?;
        number.ok_or_else(|| missing(name))
    }

    /// Reads a decimal number within `range`, or returns `None` if the option is not given.
    pub fn optional_number<T>(
        &self,
        name: &str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, UsageError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.value(name, &expected, |text| whole_number(text, range))
    }

    /// Reads a duration within `range`, such as `250ms` or `1h`, of an option with a default value.
    pub fn duration(
        &self,
        name: &str,
        range: RangeInclusive<Duration>,
    ) -> Result<Duration, UsageError> {
        let duration = self.optional_duration(name, range)?;
        duration.ok_or_else(|| missing(name))
    }

    /// Reads a duration within `range`, or returns `None` if the option is not given.
    pub fn optional_duration(
        &self,
        name: &str,
        range: RangeInclusive<Duration>,
    ) -> Result<Option<Duration>, UsageError> {
        let [least, most] = [range.start(), range.end()].map(|end| duration::write(*end));
        let expected = format!("a duration from {least} to {most}, such as 10s");
        let within = |duration: &Duration| range.contains(duration);
        self.value(name, &expected, |text| duration::parse(text).filter(within))
    }

    /// Reads one of several words, each with the value that it stands for.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, UsageError> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let expected = match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.concat(),
        };
        let chosen = |text: &str| choices.iter().find(|(word, _)| *word == text);
        self.required(name, &expected, |text| Some(chosen(text)?.1))
    }

    /// Reads the path of a file, or returns `None` if the option is not given. No path can contain
    /// a NUL.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, UsageError> {
        let parse = |text: &str| (!text.contains('\0')).then(|| text.into());
        self.value(name, "the path of a file", parse)
    }

    /// Reads whether a switch is on. In the environment and in a file it is `true` or `1`, or
    /// `false` or `0`.
    pub fn switch(&self, name: &str) -> Result<bool, UsageError> {
        let parse = |text: &str| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        Ok(self.value(name, "true or false", parse)?.unwrap_or(false))
    }

    /// Reads a value with `parse`, of an option with a default value. An error says that `expected`
    /// is what `parse` accepts.
    pub fn required<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, UsageError> {
        let value = self.value(name, expected, parse)?;
        value.ok_or_else(|| missing(name))
    }

    /// Reads a value with `parse`, like [`Options::required`], or returns `None` if the option is
    /// not given and has no default value.
    pub fn value<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, UsageError> {
        let Some(given) = self.find(name) else {
            if self.specs.iter().any(|spec| spec.name() == name) {
                return Ok(None);
            }
            let text = format!("{name}: not in the table of options");
            return Err(UsageError::new(text));
        };
        let value = parse(&given.value);
        value.map(Some).ok_or_else(|| given.wrong(expected))
    }

    /// Returns the error for a value that a reader accepted but that cannot be used, because of
    /// `reason`.
    pub fn unusable(&self, name: &str, reason: impl Display) -> UsageError {
        let subject = self.find(name).map_or(name.to_string(), Given::to_string);
        UsageError::new(format!("{subject}: {reason}"))
    }

    /// Compares the places where two options were given: a flag is greater than the environment,
    /// which is greater than the file.
    pub fn stronger(&self, one: &str, other: &str) -> Ordering {
        let origin = |name| self.find(name).map(|given| given.origin);
        origin(one).cmp(&origin(other))
    }

    fn find(&self, name: &str) -> Option<&Given> {
        self.values.iter().find(|given| given.option == name)
    }
}

/// Parses a decimal number within `range`: digits only, no sign.
pub fn whole_number<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    let has_digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok()?;
    (has_digits_only && range.contains(&number)).then_some(number)
}

fn missing(name: &str) -> UsageError {
    UsageError::new(format!("{name}: needs a value"))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::given::Origin;

    /// The options of a program with `--a`, which has this value, and `--none`, which has none.
    fn options(value: &str) -> Options {
        static SPECS: [Spec; 2] = [Spec::new("--a", "", ""), Spec::optional("--none", "", "")];
        let given = Given::new("--a", value.into(), Origin::Flag, String::new());
        Options::new(&SPECS, vec![given.unwrap()], Vec::new())
    }

    #[track_caller]
    fn assert_expects<T: Debug>(result: Result<T, UsageError>, expected: &str) {
        let text = format!("--a: '?' is wrong, expected {expected}");
        assert_eq!(result.unwrap_err(), UsageError(text));
    }

    #[test]
    fn a_whole_number_has_digits_only_and_is_within_its_range() {
        assert_eq!(whole_number("1", 1..=64), Some(1));
        assert_eq!(whole_number("64", 1..=64), Some(64));
        let wrong = [
            "",
            "0",
            "65",
            "+5",
            "-1",
            "5 ",
            "0x5",
            "5.0",
            "99999999999999999999",
        ];
        for text in wrong {
            assert_eq!(whole_number(text, 1..=64), None, "{text}");
        }
    }

    #[test]
    fn each_error_says_what_its_reader_expects() {
        let options = options("?");
        let choices = [("x", 1), ("y", 2), ("z", 3)];
        let durations = Duration::ZERO..=Duration::from_secs(3_600);
        assert_expects(options.number("--a", 1..=9), "a whole number from 1 to 9");
        assert_expects(
            options.duration("--a", durations),
            "a duration from 0ms to 1h, such as 10s",
        );
        assert_expects(options.choice("--a", &choices), "x, y or z");
        assert_expects(options.choice("--a", &choices[..1]), "x");
        assert_expects(options.switch("--a"), "true or false");
    }

    #[test]
    fn a_value_within_its_bounds_is_read() {
        assert_eq!(options("7").number("--a", 1..=u8::MAX), Ok(7));
        assert_eq!(options("7").optional_number("--none", 1..=9), Ok(None));
        assert_eq!(options("y").choice("--a", &[("x", 1), ("y", 2)]), Ok(2));
        assert_eq!(options("a/b").path("--a"), Ok(Some("a/b".into())));
        let [two, three] = [2, 3].map(Duration::from_secs);
        assert_eq!(options("2s").duration("--a", two..=three), Ok(two));
        assert_eq!(
            options("2s").optional_duration("--none", two..=three),
            Ok(None)
        );
        assert!(options("3001ms").duration("--a", two..=three).is_err());
    }

    #[test]
    fn a_name_that_is_not_in_the_table_cannot_be_read() {
        assert_eq!(options("").path("--none"), Ok(None));
        let error = options("").path("--b").unwrap_err().to_string();
        assert!(error.starts_with("--b: not in the table"), "{error}");
    }
}
