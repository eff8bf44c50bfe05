//! The command `powtcp-client`.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use powtcp_client::config::{Config, PROGRAM};
use powtcp_client::error::ClientError;
use powtcp_client::handshake::fetch;
use powtcp_client::report::Reporter;
use powtcp_client::retry;

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| {
        let resource = fetch_with_retries(&config).map_err(|error| error.to_string())?;
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(&resource)
            .and_then(|()| stdout.write_all(b"\n"));
        written
            .and_then(|()| stdout.flush())
            .map_err(|error| format!("cannot print the resource: {error}"))
    })
}

/// Gets a resource from the server, with as many retries as the user allows.
fn fetch_with_retries(config: &Config) -> Result<Vec<u8>, ClientError> {
    let reporter = Reporter::new(config.verbosity);
    retry::persist(
        config.retries,
        || fetch(config, &reporter),
        |retry, error| {
            let mut random = [u8::MAX; 8];
            // Without randomness, the client waits for the longest delay.
            let _ = getrandom::fill(&mut random);
            let delay = retry::delay(retry, random);
            reporter.retry(error, retry + 1, config.retries, delay);
            thread::sleep(delay);
        },
    )
}
