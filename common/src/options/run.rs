//! The frame of a program: reads the options, runs, and exits with the right status.

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use super::{Options, Program, Request, UsageError};

/// The exit status for wrong usage.
const USAGE: u8 = 2;

impl Program {
    /// Runs the program: `configure` validates the options, and `run` does the work. An error is
    /// printed once, to standard error; so are warnings about the environment, except with `--quiet`.
    /// Returns exit status 0, or 1 if `run` failed, or 2 for wrong usage.
    pub fn main<C, E: Display>(
        &self,
        configure: impl FnOnce(&Options) -> Result<C, UsageError>,
        run: impl FnOnce(C) -> Result<(), E>,
    ) -> ExitCode {
        let name = self.name;
        let request = self.read(env::args_os().skip(1).collect(), env::vars_os());
        let config = match request {
            Ok(Request::Run(options)) => {
                if !matches!(options.switch("--quiet"), Ok(true)) {
                    for warning in options.warnings() {
                        self.warn(warning);
                    }
                }
                configure(&options)
            }
            Ok(Request::Print(text)) => {
                print(&mut io::stdout(), &text);
                return ExitCode::SUCCESS;
            }
            Err(error) => Err(error),
        };
        match config.map(run) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) => {
                print(&mut io::stderr(), &format!("{name}: {error}\n"));
                ExitCode::FAILURE
            }
            Err(error) => {
                let text = format!("{name}: {error}\nTry '{name} --help'.\n");
                print(&mut io::stderr(), &text);
                ExitCode::from(USAGE)
            }
        }
    }

    /// Prints a warning to standard error.
    pub fn warn(&self, text: &str) {
        print(
            &mut io::stderr(),
            &format!("{}: warning: {text}\n", self.name),
        );
    }
}

/// Ignores errors: `print!` would panic when the reader of a pipe has closed it.
fn print(to: &mut impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes());
}
