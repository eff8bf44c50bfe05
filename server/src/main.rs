//! The command `powtcp-server`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use powtcp_server::config::{Config, PROGRAM};
use powtcp_server::event_loop::Server;

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| {
        let listen = config.listen;
        let server =
            Server::bind(config).map_err(|error| format!("cannot listen on {listen}: {error}"))?;
        server.run().map_err(|error| error.to_string())
    })
}
