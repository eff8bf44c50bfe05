//! The server under load, when the load test starts it: a child process.

use std::env;
use std::process::Command;

use powtcp_testkit::server::{ServerProcess, pass_settings};

use crate::config::Config;
use crate::error::LoadtestError;

/// All addresses that the load comes from.
const LOOPBACK: &str = "127.0.0.0/8";

/// Starts a server with `options` at the difficulty of `config`. Its other options come from the environment.
pub(crate) fn start(config: &Config, options: &[&str]) -> Result<ServerProcess, LoadtestError> {
    start_at_price(config, &config.bits.to_string(), options)
}

/// Starts a server with `options`, whose `--bits` is `bits`.
pub(crate) fn start_at_price(
    config: &Config,
    bits: &str,
    options: &[&str],
) -> Result<ServerProcess, LoadtestError> {
    let program = match &config.program {
        Some(program) => program.clone(),
        None => env::current_exe()?.with_file_name("powtcp-server"),
    };
    let mut command = Command::new(program);
    command
        .args(["--listen", "127.0.0.1:0"])
        .args(["--bits", bits])
        .args(options);
    if config.proxied {
        command.args(["--accept-proxy", LOOPBACK]);
    }
    pass_settings(&mut command);
    ServerProcess::start(command).map_err(|error| LoadtestError::Start(error.to_string()))
}

/// Starts a server whose limits on connections and time leave room for the load of `config`.
pub(crate) fn start_with_room(config: &Config) -> Result<ServerProcess, LoadtestError> {
    let room = (config.idle.max(config.concurrency) + 100).to_string();
    let long = ["--handshake-timeout", "10m", "--ttl", "10m"];
    start(config, &[&["--max-connections", &room], &long[..]].concat())
}
