//! The command `powtcp-loadtest`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use powtcp_loadtest::{Config, PROGRAM, run};

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| run(&config))
}
