//! Where options come from: flags, environment variables, and the file of `--config`.

use std::ffi::OsString;
use std::fs;

use pico_args::{Arguments, Error, Keys};

use super::values::{Given, Options, Origin};
use super::{Default, Program, Spec, UsageError};

pub(super) const CONFIG: &str = "--config";
pub(super) const CONFIG_VARIABLE: &str = "POWTCP_CONFIG";
const VARIABLE_PREFIX: &str = "POWTCP_";

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To run, with these options.
    Run(Options),
    /// To print this text and nothing else: help or version.
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
        let variable = |option, name| {
            let given = |value| Given::new(option, value, Origin::Environment(name));
            environment(name).map(given).transpose()
        };

        let file = match take_value(&mut arguments, CONFIG.into(), CONFIG)? {
            None => variable(CONFIG, CONFIG_VARIABLE)?,
            flag => flag,
        };
        let mut given = match file {
            Some(file) => self.read_file(&file)?,
            None => vec![None; self.options.len()],
        };
        for (spec, given) in self.options.iter().zip(&mut given) {
            let stronger = match spec.take_flag(&mut arguments)? {
                None => variable(spec.long, spec.variable)?,
                flag => flag,
            };
            *given = stronger.or(given.take());
        }
        // The argument without a name comes last: anything before it may be a flag's value.
        for (spec, given) in self.options.iter().zip(&mut given) {
            if spec.is_positional()
                && let Some(value) = take_positional(&mut arguments)
            {
                *given = Some(Given::new(spec.long, value, Origin::Flag)?);
            }
        }
        match arguments.finish().first() {
            Some(left) => Err(self.leftover(&left.to_string_lossy())),
            None => Ok(Request::Run(Options::new(self.options, given))),
        }
    }

    /// Lines of `POWTCP_BITS=20`, blank lines and `#` comments. Keys without `POWTCP_` pass: systemd
    /// or docker may read the same file as a whole service's environment.
    fn read_file(&self, file: &Given) -> Result<Vec<Option<Given>>, UsageError> {
        let text = fs::read_to_string(&file.value)
            .map_err(|error| UsageError::new(format!("{file} cannot be read: {error}")))?;
        let path = file.value.escape_debug();
        let mut given = vec![None; self.options.len()];
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what| UsageError::new(format!("{CONFIG}: {path}:{number}: {what}"));
            let Some((key, value)) = line.split_once('=') else {
                let line = line.escape_debug();
                return Err(wrong(format!(
                    "'{line}' is not of the form POWTCP_NAME=VALUE"
                )));
            };
            let (key, value) = (key.trim(), value.trim());
            if !key.starts_with(VARIABLE_PREFIX) {
                continue;
            }
            let Some(index) = self.options.iter().position(|spec| spec.variable == key) else {
                let known: Vec<_> = self.options.iter().map(|spec| spec.variable).collect();
                let (key, known) = (key.escape_debug(), known.join(", "));
                return Err(wrong(format!(
                    "unknown key '{key}', expected one of {known}"
                )));
            };
            given[index] = Some(Given {
                option: self.options[index].long,
                value: value.to_string(),
                origin: Origin::File(format!("{path}:{number}")),
            });
        }
        Ok(given)
    }

    /// What to say of an argument that nothing has taken.
    fn leftover(&self, argument: &str) -> UsageError {
        let shown = argument.escape_debug();
        let name = argument.split('=').next().unwrap_or(argument);
        let mut names = self.options.iter().flat_map(|spec| [spec.short, spec.long]);
        UsageError::new(if !name.starts_with('-') {
            format!("unexpected argument '{shown}', expected {}", self.usage)
        } else if name == CONFIG || names.any(|known| known == name) {
            format!("option '{shown}' is given twice, or with a value that it does not take")
        } else {
            format!("unknown option '{shown}'")
        })
    }
}

impl Spec {
    fn take_flag(&self, arguments: &mut Arguments) -> Result<Option<Given>, UsageError> {
        if self.is_positional() {
            return Ok(None);
        }
        let keys: Keys = match self.short {
            "" => self.long.into(),
            short => [short, self.long].into(),
        };
        if matches!(self.default, Default::Off) {
            let on = || Given::flag(self.long, "true".to_string());
            return Ok(arguments.contains(keys).then(on));
        }
        take_value(arguments, keys, self.long)
    }
}

/// Takes the flag `keys` with its value; `name` is what an error calls it.
fn take_value(
    arguments: &mut Arguments,
    keys: Keys,
    name: &'static str,
) -> Result<Option<Given>, UsageError> {
    // Of the calls of pico-args, only this one takes `--name=value` as well.
    match arguments.opt_value_from_fn(keys, |value| Ok::<_, String>(value.to_string())) {
        Ok(value) => Ok(value.map(|value| Given::flag(name, value))),
        Err(Error::OptionWithoutAValue(_)) => {
            Err(UsageError::new(format!("{name}: needs a value")))
        }
        Err(error) => Err(UsageError::new(format!("{name}: {error}"))),
    }
}

/// The first argument that is left, unless it looks like a flag.
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
            Spec {
                short: "-n",
                long: "--number",
                value: "N",
                default: Default::Value("7"),
                help: "a number",
                variable: "POWTCP_NUMBER",
            },
            Spec {
                short: "-q",
                long: "--quiet",
                value: "",
                default: Default::Off,
                help: "a switch",
                variable: "POWTCP_QUIET",
            },
            Spec {
                short: "",
                long: "ADDR",
                value: "",
                default: Default::Words("none"),
                help: "an address",
                variable: "POWTCP_SERVER",
            },
        ],
    };

    fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Request, UsageError> {
        let arguments = arguments.iter().map(OsString::from).collect();
        PROGRAM.read(arguments, |name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn outcome(arguments: &[&str], environment: &[(&str, &str)]) -> (u64, bool, Option<String>) {
        let Ok(Request::Run(options)) = read(arguments, environment) else {
            panic!("{arguments:?} are right");
        };
        let number = options
            .required("--number", "a number", |text| text.parse().ok())
            .unwrap();
        let address = options
            .value("ADDR", "text", |text| Some(text.to_string()))
            .unwrap();
        (number, options.switch("--quiet").unwrap(), address)
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
    fn help_and_version_go_before_everything_else() {
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
