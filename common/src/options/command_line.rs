//! Reads the command line and the environment, and merges them with the file and the defaults.

use std::ffi::OsString;

use pico_args::{Arguments, Error, Keys};

use super::given::{Given, Origin};
use super::spec::{CONFIG, Fallback};
use super::{Options, Program, Spec, UsageError, file};

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To run with these options.
    Run(Options),
    /// To print this text and exit: the help or the version.
    Print(String),
}

impl Program {
    /// Reads `arguments` (without the program's name), the environment through `environment`, and
    /// the file of `--config` if there is one.
    ///
    /// # Errors
    /// [`UsageError`] for an unknown or repeated flag, a leftover argument, a flag without its
    /// value, text that is not UTF-8, or a file that cannot be read or has an unknown key.
    pub fn read(
        &self,
        arguments: Vec<OsString>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Request, UsageError> {
        let mut arguments = Arguments::from_vec(arguments);
        if arguments.contains(["-h", "--help"]) {
            return Ok(Request::Print(self.help()));
        }
        if arguments.contains(["-V", "--version"]) {
            return Ok(Request::Print(format!("{} {}\n", self.name, self.version)));
        }
        let mut take = |spec: &Spec| match spec.take_from(&mut arguments)? {
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
            // The last line of a file wins, as in a shell.
            let in_file = from_file.iter().rfind(|given| given.option == spec.name());
            let given = take(spec)?.or(in_file.cloned());
            values.extend(given.or(spec.default_value()?));
        }
        match arguments.finish().first() {
            Some(left) => Err(self.leftover(&left.to_string_lossy())),
            None => Ok(Request::Run(Options::new(self.options, values))),
        }
    }

    /// Returns the options that `configure` never reads; a test of each program checks that it has
    /// none. An option counts as read if `configure` complains about a value with a NUL, which no
    /// reader accepts.
    pub fn unread_options<C>(
        &self,
        configure: impl Fn(&Options) -> Result<C, UsageError>,
    ) -> Vec<&'static str> {
        let is_read = |spec: &&Spec| {
            let variable = spec.variable();
            let environment = |name: &str| (name == variable).then(|| "\0".into());
            let complaint = match self.read(Vec::new(), environment) {
                Ok(Request::Run(options)) => configure(&options).err(),
                Ok(Request::Print(_)) | Err(_) => None,
            };
            complaint.is_some_and(|error| error.to_string().contains(&format!("({variable})")))
        };
        let unread = self.options.iter().filter(|spec| !is_read(spec));
        unread.map(Spec::name).collect()
    }

    /// Returns the error for an argument that no option has taken.
    fn leftover(&self, argument: &str) -> UsageError {
        let shown = argument.escape_debug();
        let name = argument.split('=').next().unwrap_or(argument);
        let is_named = |spec: &Spec| spec.name() == name || spec.short() == Some(name);
        UsageError::new(if !name.starts_with('-') {
            format!("unexpected argument '{shown}', expected {}", self.usage)
        } else if self.options.iter().chain([&CONFIG]).any(is_named) {
            format!("option '{shown}' is given twice, or with a value that it does not take")
        } else {
            format!("unknown option '{shown}'")
        })
    }
}

impl Spec {
    /// Takes this option from the command line.
    fn take_from(&self, arguments: &mut Arguments) -> Result<Option<Given>, UsageError> {
        let name = self.name();
        let flag = |value| Given::new(name, value, Origin::Flag, String::new());
        let value = if self.is_positional() {
            take_positional(arguments)
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

    fn in_environment(
        &self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Given>, UsageError> {
        let variable = self.variable();
        let value = environment(&variable);
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
            Spec::new("-n, --number N", "7", "a number"),
            Spec::switch("-q, --quiet", "a switch"),
            Spec::optional("ADDR", "none", "an address"),
        ],
    };

    fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Request, UsageError> {
        let arguments = arguments.iter().map(OsString::from).collect();
        PROGRAM.read(arguments, |name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn configure(options: &Options) -> Result<(u64, bool, Option<String>), UsageError> {
        let address = |text: &str| (!text.contains('\0')).then(|| text.to_string());
        Ok((
            options.number("--number", 0..=9)?,
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
            ("POWTCP_NUMBER", "8"),
            ("POWTCP_QUIET", "1"),
            ("POWTCP_SERVER", "e"),
        ];
        assert_eq!(outcome(&[], &environment), (8, true, Some("e".into())));
        for arguments in [["-n", "9", "a"], ["--number", "9", "a"], ["a", "-n", "9"]] {
            assert_eq!(
                outcome(&arguments, &environment),
                (9, true, Some("a".into()))
            );
        }
        assert_eq!(outcome(&["--number=9", "-q"], &[]), (9, true, None));
    }

    #[test]
    fn an_option_that_is_never_read_is_found() {
        assert_eq!(PROGRAM.unread_options(configure), [""; 0]);
        let number = |options: &Options| options.number("--number", 0..=9);
        assert_eq!(PROGRAM.unread_options(number), ["--quiet", "ADDR"]);
        let any = |options: &Options| options.value("ADDR", "", |_| Some(()));
        assert_eq!(PROGRAM.unread_options(any), ["--number", "--quiet", "ADDR"]);
    }

    #[test]
    fn each_mistake_is_named() {
        assert_eq!(complaint(&["--nope"]), "unknown option '--nope'");
        assert_eq!(complaint(&["-n"]), "--number: needs a value");
        assert!(complaint(&["-n", "1", "-n", "2"]).starts_with("option '-n' is given twice"));
        assert!(complaint(&["--quiet=yes"]).starts_with("option '--quiet=yes' is given twice"));
        assert!(complaint(&["a", "b"]).starts_with("unexpected argument 'b'"));
        assert!(complaint(&["a\x1b[31m", "b\x1b"]).contains("'b\\u{1b}'"));
        assert!(complaint(&["--config", "/nonexistent/x"]).contains("'/nonexistent/x'"));
    }

    #[test]
    fn help_and_version_take_precedence_over_everything_else() {
        for arguments in [&["-h", "--nope"][..], &["--help"], &["-n", "x", "-h"]] {
            let Ok(Request::Print(text)) = read(arguments, &[]) else {
                panic!("{arguments:?}")
            };
            assert!(text.contains("Usage: test [OPTIONS] [ADDR]"), "{text}");
            assert!(text.contains("-n, --number N"), "{text}");
            assert!(text.contains("a number [default: 7]"), "{text}");
        }
        let Ok(Request::Print(text)) = read(&["-V"], &[]) else {
            panic!("-V")
        };
        assert_eq!(text, "test 1.2.3\n");
    }
}
