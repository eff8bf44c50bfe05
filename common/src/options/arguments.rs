//! The shapes of arguments that pico-args does not know: joined short options, and the end of the
//! options.

use std::ffi::OsString;

use super::spec::CONFIG;
use super::{Program, Spec};

/// The arguments of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Options, each short one by itself, and arguments between them.
    pub(super) options: Vec<OsString>,
    /// The arguments after `--`, none of which is an option.
    pub(super) operands: Vec<OsString>,
}

impl Program {
    /// Splits joined short options, `-b20` into `-b 20` and `-qv` into `-q -v`, up to a `--`. An
    /// argument that is not made of known letters stays whole.
    pub(super) fn split(&self, arguments: Vec<OsString>) -> Split {
        let mut options = Vec::new();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                break;
            }
            let parts = argument.to_str().map(|text| self.parts_of(text));
            options.extend(parts.unwrap_or_else(|| vec![argument]));
            if options.last().is_some_and(|last| self.needs_value(last)) {
                // The value is none of the options, even if it looks like one.
                options.extend(rest.next());
            }
        }
        Split {
            options,
            operands: rest.collect(),
        }
    }

    fn parts_of(&self, argument: &str) -> Vec<OsString> {
        let letters = argument.strip_prefix('-').unwrap_or_default();
        if letters.starts_with('-') {
            return vec![argument.into()];
        }
        let mut parts = Vec::new();
        for (at, letter) in letters.char_indices() {
            let option = format!("-{letter}");
            let rest = &letters[at + letter.len_utf8()..];
            if matches!(option.as_str(), "-h" | "-V") {
                parts.push(option.into());
                continue;
            }
            match self.find(&option) {
                Some(spec) if spec.is_switch() => parts.push(option.into()),
                Some(_) if rest.starts_with('=') => {
                    parts.push(format!("{option}{rest}").into());
                    return parts;
                }
                Some(_) => {
                    parts.push(option.into());
                    parts.extend((!rest.is_empty()).then(|| rest.into()));
                    return parts;
                }
                None => return vec![argument.into()],
            }
        }
        if parts.is_empty() {
            parts.push(argument.into());
        }
        parts
    }

    /// Returns whether `argument` is an option whose value is the next argument.
    fn needs_value(&self, argument: &OsString) -> bool {
        let spec = argument.to_str().and_then(|text| self.find(text));
        spec.is_some_and(|spec| !spec.is_switch())
    }

    /// Returns the option with this long or short name.
    fn find(&self, name: &str) -> Option<&Spec> {
        let mut specs = self.options.iter().chain([&CONFIG]);
        specs.find(|spec| {
            !spec.is_positional() && (spec.name() == name || spec.short() == Some(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "test",
        usage: "",
        about: "",
        version: "",
        options: &[
            Spec::new("-b, --bits N", "7", ""),
            Spec::switch("-q, --quiet", ""),
            Spec::switch("-v, --verbose", ""),
            Spec::optional("ADDR", "none", ""),
        ],
    };

    fn split(line: &str) -> (String, String) {
        let arguments = line.split_whitespace().map(OsString::from).collect();
        let Split { options, operands } = PROGRAM.split(arguments);
        let join = |parts: Vec<OsString>| parts.join(" ".as_ref()).into_string().unwrap();
        (join(options), join(operands))
    }

    #[test]
    fn joined_short_options_are_split() {
        for (line, parts) in [
            ("-b20", "-b 20"),
            ("-b 20", "-b 20"),
            ("-b=20", "-b=20"),
            ("-b-5", "-b -5"),
            ("-qv", "-q -v"),
            ("-qb20 a", "-q -b 20 a"),
            ("-qvb 20", "-q -v -b 20"),
            ("-qh", "-q -h"),
            ("-qx", "-qx"),
            ("-q=yes", "-q=yes"),
            ("--bits 20 --quiet", "--bits 20 --quiet"),
            ("--bits=20 -é", "--bits=20 -é"),
            ("- -1", "- -1"),
        ] {
            assert_eq!(split(line), (parts.into(), String::new()), "{line}");
        }
    }

    #[test]
    fn a_value_is_not_split_and_not_the_end_of_the_options() {
        assert_eq!(split("-b -qv -q"), ("-b -qv -q".into(), String::new()));
        assert_eq!(
            split("--bits -- -q"),
            ("--bits -- -q".into(), String::new())
        );
        assert_eq!(
            split("--config -- -qv"),
            ("--config -- -q -v".into(), String::new())
        );
    }

    #[test]
    fn what_follows_two_dashes_is_no_option() {
        assert_eq!(split("-q -- -b20 -- x"), ("-q".into(), "-b20 -- x".into()));
        assert_eq!(split("--"), (String::new(), String::new()));
    }
}
