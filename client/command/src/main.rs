//! The command `powtcp-client`.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use powtcp_client_command::complaint::complaint;
use powtcp_client_command::config::{Config, PROGRAM};
use powtcp_client_command::report::Reporter;
use powtcp_client_command::resource;
use powtcp_client_command::signals::Signals;

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| {
        let reporter = Arc::new(Reporter::new(config.verbosity));
        let signals = Signals::watch();
        let paid = config
            .payer()
            .cancel_with(&signals.cancel())
            .on_progress({
                let reporter = Arc::clone(&reporter);
                move |progress| reporter.tell(progress)
            })
            .connect(&config.server);
        reporter.end_progress();
        signals.end_if_received(|| reporter.erase_line());
        let paid = paid.map_err(|error| complaint(&error))?;
        resource::print(paid.resource())
            .map_err(|error| format!("cannot print the resource: {error}"))
    })
}
