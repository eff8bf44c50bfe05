//! Typed readers of options. What an error says is expected follows from the reader.

use std::cmp::Ordering;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::given::Given;
use super::{Spec, UsageError};
use crate::duration;

/// The options of one run of a program, not yet validated.
#[derive(Debug)]
pub struct Options {
    specs: &'static [Spec],
    /// The value of each option that was given or has a default value.
    values: Vec<Given>,
}

/// A reader also returns a [`UsageError`] for a name that is not in the program's table. The
/// program does not start then, so its tests find the mistake.
impl Options {
    pub(super) fn new(specs: &'static [Spec], values: Vec<Given>) -> Self {
        Self { specs, values }
    }

    /// Reads a decimal number within `range`. The option must have a default value.
    ///
    /// # Errors
    /// [`UsageError`] for anything else.
    pub fn number<T>(&self, name: &str, range: RangeInclusive<T>) -> Result<T, UsageError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let expected = whole_number_within(&range);
        self.required(name, &expected, |text| whole_number(text, range))
    }

    /// Reads a decimal number within `range`, or `None` if the option is not given.
    ///
    /// # Errors
    /// [`UsageError`] for anything else.
    pub fn optional_number<T>(
        &self,
        name: &str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, UsageError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let expected = whole_number_within(&range);
        self.value(name, &expected, |text| whole_number(text, range))
    }

    /// Reads a duration within `range`, such as `250ms` or `1h`.
    ///
    /// # Errors
    /// [`UsageError`] for anything else.
    pub fn duration(
        &self,
        name: &str,
        range: RangeInclusive<Duration>,
    ) -> Result<Duration, UsageError> {
        let [least, most] = [range.start(), range.end()].map(|end| duration::write(*end));
        let expected = format!("a duration from {least} to {most}, such as 10s");
        let within = |duration: &Duration| range.contains(duration);
        self.required(name, &expected, |text| duration::parse(text).filter(within))
    }

    /// Reads one of several words, each with the value that it stands for.
    ///
    /// # Errors
    /// [`UsageError`] for any other word.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, UsageError> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let expected = match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.concat(),
        };
        let chosen = |text: &str| choices.iter().find(|(word, _)| *word == text);
        self.required(name, &expected, |text| Some(chosen(text)?.1))
    }

    /// Reads the path of a file, or `None` if the option is not given.
    ///
    /// # Errors
    /// [`UsageError`] for a text with a NUL, which no path can contain.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, UsageError> {
        let parse = |text: &str| (!text.contains('\0')).then(|| text.into());
        self.value(name, "the path of a file", parse)
    }

    /// Reads whether a switch is on. In the environment and in a file it is `true` or `1`, `false`
    /// or `0`.
    ///
    /// # Errors
    /// [`UsageError`] for anything else.
    pub fn switch(&self, name: &str) -> Result<bool, UsageError> {
        let parse = |text: &str| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        Ok(self.value(name, "true or false", parse)?.unwrap_or(false))
    }

    /// Reads a value with `parse`, or returns `None` if the option is not given and has no default
    /// value. `expected` describes in an error what `parse` accepts.
    ///
    /// # Errors
    /// [`UsageError`] where `parse` returns `None`.
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
            return Err(UsageError::new(format!(
                "{name}: not in the table of options"
            )));
        };
        let value = parse(&given.value);
        value.map(Some).ok_or_else(|| given.wrong(expected))
    }

    /// Reads a value with `parse`, like [`Options::value`], of an option that has a default value.
    ///
    /// # Errors
    /// [`UsageError`] where `parse` returns `None`, or where the option has no value.
    pub fn required<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, UsageError> {
        let missing = || UsageError::new(format!("{name}: missing, expected {expected}"));
        self.value(name, expected, parse)?.ok_or_else(missing)
    }

    /// Returns the error for a value of the option `name` that a reader accepted but that cannot be
    /// used, because of `reason`.
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

fn whole_number_within<T: Display>(range: &RangeInclusive<T>) -> String {
    format!("a whole number from {} to {}", range.start(), range.end())
}

#[cfg(test)]
mod tests {
    use super::super::given::Origin;
    use super::*;

    fn options(value: &str) -> Options {
        static SPECS: [Spec; 2] = [Spec::new("--a", "", ""), Spec::optional("--none", "", "")];
        let given = Given::new("--a", value, Origin::Flag, String::new());
        Options::new(&SPECS, vec![given])
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
        let wrong = options("?");
        let choices = [("x", 1), ("y", 2), ("z", 3)];
        let durations = Duration::ZERO..=Duration::from_secs(3_600);
        let cases = [
            (
                wrong.number("--a", 1..=9).err(),
                "a whole number from 1 to 9",
            ),
            (
                wrong.optional_number("--a", 0..=5).err(),
                "a whole number from 0 to 5",
            ),
            (
                wrong.duration("--a", durations).err(),
                "a duration from 0ms to 1h, such as 10s",
            ),
            (wrong.choice("--a", &choices).err(), "x, y or z"),
            (wrong.choice("--a", &choices[..1]).err(), "x"),
            (wrong.switch("--a").err(), "true or false"),
        ];
        for (error, expected) in cases {
            let text = format!("--a: '?' is wrong, expected {expected}");
            assert_eq!(error, Some(UsageError::new(text)));
        }
        assert!(options("\0").path("--a").is_err());
    }

    #[test]
    fn a_value_within_its_bounds_is_read() {
        assert_eq!(options("7").number("--a", 1..=u8::MAX), Ok(7));
        assert_eq!(options("7").optional_number("--none", 1..=9), Ok(None));
        assert_eq!(options("y").choice("--a", &[("x", 1), ("y", 2)]), Ok(2));
        assert_eq!(options("a/b").path("--a"), Ok(Some("a/b".into())));
        let seconds = Duration::from_secs(2)..=Duration::from_secs(3);
        assert_eq!(
            options("2s").duration("--a", seconds.clone()),
            Ok(Duration::from_secs(2))
        );
        assert!(options("3001ms").duration("--a", seconds).is_err());
    }

    #[test]
    fn a_name_that_is_not_in_the_table_cannot_be_read() {
        assert_eq!(options("").path("--none"), Ok(None));
        for error in [
            options("1").path("--b").err(),
            options("1").switch("--b").err(),
        ] {
            assert!(
                error
                    .unwrap()
                    .to_string()
                    .starts_with("--b: not in the table")
            );
        }
    }
}
