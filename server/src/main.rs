//! The command `powtcp-server`.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use powtcp_common::options::{Request, UsageError};
use powtcp_server::config::{Config, PROGRAM};
use powtcp_server::event_loop::Server;

/// The exit status of wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let config = match configure() {
        Ok(Some(config)) => config,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            complain(&PROGRAM.complaint(&error));
            return ExitCode::from(USAGE);
        }
    };
    let listen = config.listen;
    let server = match Server::bind(config) {
        Ok(server) => server,
        Err(error) => {
            complain(&format!(
                "{}: cannot listen on {listen}: {error}\n",
                PROGRAM.name
            ));
            return ExitCode::FAILURE;
        }
    };
    match server.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{}: {error}\n", PROGRAM.name));
            ExitCode::FAILURE
        }
    }
}

/// What to run with; `None` if the user asked for a text, which was printed.
fn configure() -> Result<Option<Config>, UsageError> {
    match PROGRAM.read(env::args_os().skip(1).collect(), |name| env::var_os(name))? {
        Request::Run(options) => Config::new(&options).map(Some),
        Request::Print(text) => {
            // A reader who has seen enough may close the pipe.
            let _ = io::stdout().write_all(text.as_bytes());
            Ok(None)
        }
    }
}

/// `eprint!` would panic where nobody listens.
fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
