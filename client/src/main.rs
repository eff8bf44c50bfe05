//! The command `powtcp-client`.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;

use powtcp_client::config::{Config, PROGRAM};
use powtcp_client::payment::pay;
use powtcp_client::report::Reporter;

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| {
        let reporter = Reporter::new(config.verbosity);
        let resource = pay(&config, &reporter).map_err(|error| error.to_string())?;
        print(&resource).map_err(|error| format!("cannot print the resource: {error}"))
    })
}

fn print(resource: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(resource)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}
