//! The command `powtcp-server`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use powtcp_server::config::{Config, PROGRAM};
use powtcp_server::server::Server;

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| {
        if config.check {
            return config.print_check();
        }
        Server::bind(config)?.run()
    })
}
