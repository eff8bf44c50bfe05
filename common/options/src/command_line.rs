//! Reads the command line and the environment, and merges them with the file and the defaults.

use std::ffi::OsString;

use pico_args::{Arguments, Error, Keys};

use crate::arguments::Split;
use crate::environment::Environment;
use crate::given::{Given, Origin};
use crate::spec::{CONFIG, Fallback};
use crate::{Options, Program, Spec, UsageError, file};

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To run with these options.
    Run(Options),
    /// To print this text and exit: the help or the version.
    Print(String),
}

impl Program {
    /// Reads `arguments` (without the program's name), `variables` of the environment, and the file
    /// of `--config` if there is one.
    ///
    /// # Errors
    /// [`UsageError`] for an unknown or repeated flag, a leftover argument, a flag without its
    /// value, text that is not UTF-8, a variable or a key of the file that is none of ours but looks
    /// like one, or a file that cannot be read.
    pub fn read(
        &self,
        arguments: Vec<OsString>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Request, UsageError> {
        let Split { options, operands } = self.split(arguments);
        let mut arguments = Arguments::from_vec(options);
        let mut operands = operands.into_iter();
        if arguments.contains(["-h", "--help"]) {
            return Ok(Request::Print(self.help()));
        }
        if arguments.contains(["-V", "--version"]) {
            return Ok(Request::Print(format!("{} {}\n", self.name, self.version)));
        }
        let environment = Environment::new(variables)?;
        let mut take = |spec: &Spec| match spec.take_from(&mut arguments, &mut operands)? {
            None => spec.in_environment(&environment),
            flag => Ok(flag),
        };
        let from_file = match take(&CONFIG)? {
            Some(file) => file::read(&file, self.options)?,
            None => Vec::new(),
        };
        let mut values = Vec::new();
        // An argument without a flag comes last: any argument before it may be a flag's value.
        let (last, flags): (Vec<_>, Vec<_>) =
            self.options.iter().partition(|spec| spec.is_positional());
        for spec in flags.into_iter().chain(last) {
            // The last line of a file wins, as in a shell. An empty value counts as not set.
            let in_file = from_file.iter().rfind(|given| given.option == spec.name());
            let in_file = in_file.filter(|given| !given.value.is_empty());
            let given = take(spec)?.or(in_file.cloned());
            values.extend(given.or(spec.default_value()?));
        }
        if let Some(left) = arguments.finish().first() {
            return Err(self.leftover(&left.to_string_lossy()));
        }
        if let Some(left) = operands.next() {
            return Err(self.unexpected(&left.to_string_lossy()));
        }
        let warnings = environment.into_warnings();
        Ok(Request::Run(Options::new(self.options, values, warnings)))
    }

    /// Returns the error for an argument that no option has taken.
    fn leftover(&self, argument: &str) -> UsageError {
        let shown = argument.escape_debug();
        let name = argument.split('=').next().unwrap_or(argument);
        let is_named = |spec: &Spec| spec.name() == name || spec.short() == Some(name);
        if !name.starts_with('-') {
            return self.unexpected(argument);
        }
        UsageError::new(if self.options.iter().chain([&CONFIG]).any(is_named) {
            format!("option '{shown}' is given twice, or with a value that it does not take")
        } else {
            format!("unknown option '{shown}'")
        })
    }

    fn unexpected(&self, argument: &str) -> UsageError {
        let shown = argument.escape_debug();
        let text = format!("unexpected argument '{shown}', expected {}", self.usage);
        UsageError::new(text)
    }
}

impl Spec {
    /// Takes this option from the command line. `operands` are the arguments after `--`.
    fn take_from(
        &self,
        arguments: &mut Arguments,
        operands: &mut impl Iterator<Item = OsString>,
    ) -> Result<Option<Given>, UsageError> {
        let name = self.name();
        let flag = |value| Given::new(name, value, Origin::Flag, String::new());
        let value = if self.is_positional() {
            take_positional(arguments).or_else(|| operands.next())
        } else if self.is_switch() {
            arguments.contains(self.keys()).then(|| "true".into())
        } else {
            // Of the calls of pico-args, only this one accepts `--name=value` too.
            let value =
                arguments.opt_value_from_fn(self.keys(), |value| Ok::<_, String>(value.into()));
            value.map_err(|error| match error {
                Error::OptionWithoutAValue(_) => UsageError::new(format!("{name}: needs a value")),
                error => UsageError::new(format!("{name}: {error}")),
            })?
        };
        value.map(flag).transpose()
    }

    /// Returns the names of a flag, for pico-args.
    fn keys(&self) -> Keys {
        match self.short() {
            Some(short) => [short, self.name()].into(),
            None => self.name().into(),
        }
    }

    fn in_environment(&self, environment: &Environment) -> Result<Option<Given>, UsageError> {
        let Some(variable) = self.variable() else {
            return Ok(None);
        };
        let value = environment.value_of(&variable);
        let given = |value| Given::new(self.name(), value, Origin::Environment, variable);
        value.map(given).transpose()
    }

    fn default_value(&self) -> Result<Option<Given>, UsageError> {
        let Fallback::Value(value) = self.fallback else {
            return Ok(None);
        };
        Given::new(self.name(), value.into(), Origin::Default, String::new()).map(Some)
    }
}

/// Takes the first argument that is left, unless it looks like a flag.
fn take_positional(arguments: &mut Arguments) -> Option<OsString> {
    let rest = arguments.clone().finish();
    if rest.first()?.to_string_lossy().starts_with('-') {
        return None;
    }
    let value = arguments.opt_free_from_os_str(|value| Ok::<_, String>(value.to_os_string()));
    value.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "test",
        usage: "[OPTIONS] [ADDR]",
        about: "A test.",
        version: "1.2.3",
        options: &[
            Spec::new("-t, --threads N", "7", "a number"),
            Spec::switch("-q, --quiet", "a switch"),
            Spec::optional("ADDR", "none", "an address"),
        ],
    };

    fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Request, UsageError> {
        let arguments = arguments.iter().map(OsString::from).collect();
        let variables = environment.iter();
        PROGRAM.read(
            arguments,
            variables.map(|(name, value)| (name.into(), value.into())),
        )
    }

    fn configure(options: &Options) -> Result<(u64, bool, Option<String>), UsageError> {
        let address = |text: &str| (!text.contains('\0')).then(|| text.to_string());
        Ok((
            options.number("--threads", 0..=9)?,
            options.switch("--quiet")?,
            options.value("ADDR", "text", address)?,
        ))
    }

    fn outcome(arguments: &[&str], environment: &[(&str, &str)]) -> (u64, bool, Option<String>) {
        let Ok(Request::Run(options)) = read(arguments, environment) else {
            panic!("{arguments:?} are right");
        };
        configure(&options).unwrap()
    }

    fn complaint(arguments: &[&str]) -> String {
        read(arguments, &[]).expect_err("a usage error").to_string()
    }

    #[test]
    fn a_flag_beats_the_environment_and_the_environment_the_default() {
        assert_eq!(outcome(&[], &[]), (7, false, None));
        let environment = [
            ("POWTCP_THREADS", "8"),
            ("POWTCP_QUIET", "1"),
            ("POWTCP_SERVER", "e"),
        ];
        assert_eq!(outcome(&[], &environment), (8, true, Some("e".into())));
        for arguments in [["-t", "9", "a"], ["--threads", "9", "a"], ["a", "-t", "9"]] {
            assert_eq!(
                outcome(&arguments, &environment),
                (9, true, Some("a".into()))
            );
        }
        assert_eq!(outcome(&["--threads=9", "-q"], &[]), (9, true, None));
        assert_eq!(outcome(&["-qt9"], &environment).0, 9);
        let operand = outcome(&["-t9", "--", "-q"], &[]);
        assert_eq!(operand, (9, false, Some("-q".into())));
    }

    #[test]
    fn each_mistake_is_named() {
        assert_eq!(complaint(&["--nope"]), "unknown option '--nope'");
        assert_eq!(complaint(&["-t"]), "--threads: needs a value");
        assert!(complaint(&["-t", "1", "-t", "2"]).starts_with("option '-t' is given twice"));
        assert!(complaint(&["-t1", "-t2"]).starts_with("option '-t' is given twice"));
        assert!(complaint(&["-qq"]).starts_with("option '-q' is given twice"));
        assert!(complaint(&["a", "--", "-b"]).starts_with("unexpected argument '-b'"));
        assert!(complaint(&["--quiet=yes"]).starts_with("option '--quiet=yes' is given twice"));
        assert!(complaint(&["a", "b"]).starts_with("unexpected argument 'b'"));
        assert!(complaint(&["a\x1b[31m", "b\x1b"]).contains("'b\\u{1b}'"));
        assert!(complaint(&["--config", "/nonexistent/x"]).contains("'/nonexistent/x'"));
    }

    #[test]
    fn help_and_version_take_precedence_over_everything_else() {
        for arguments in [&["-h", "--nope"][..], &["--help"], &["-t", "x", "-h"]] {
            let Ok(Request::Print(text)) = read(arguments, &[]) else {
                panic!("{arguments:?}")
            };
            assert!(text.contains("Usage: test [OPTIONS] [ADDR]"), "{text}");
            assert!(text.contains("-t, --threads N"), "{text}");
            assert!(text.contains("a number [default: 7]"), "{text}");
        }
        let Ok(Request::Print(text)) = read(&["-V"], &[]) else {
            panic!("-V")
        };
        assert_eq!(text, "test 1.2.3\n");
    }
}
