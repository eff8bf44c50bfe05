//! The command `powtcp-client`.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;

use powtcp_client::config::{Config, PROGRAM};
use powtcp_client::handshake::fetch;
use powtcp_client::report::Reporter;

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| {
        let resource =
            fetch(&config, &Reporter::new(config.verbosity)).map_err(|error| error.to_string())?;
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(&resource)
            .and_then(|()| stdout.write_all(b"\n"));
        written
            .and_then(|()| stdout.flush())
            .map_err(|error| format!("cannot print the resource: {error}"))
    })
}
