//! The command `powtcp-client`.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use powtcp_client_command::complaint::complaint;
use powtcp_client_command::config::{Config, PROGRAM};
use powtcp_client_command::mode::Mode;
use powtcp_client_command::report::Reporter;
use powtcp_client_command::signals::Signals;
use powtcp_client_command::{gate, listen, resource, stdio};

fn main() -> ExitCode {
    PROGRAM.main(Config::new, |config| {
        let reporter = Arc::new(Reporter::new(config.verbosity));
        let payer = config.payer().on_progress({
            let reporter = Arc::clone(&reporter);
            move |progress| reporter.tell(progress)
        });
        let Config { server, mode, .. } = config;
        if let Mode::Listen(address) = mode {
            Signals::end_in_order();
            return listen::run(&address, server, payer, reporter);
        }
        let signals = Signals::watch();
        let payer = payer.cancel_with(&signals.cancel());
        let end_payment = || {
            reporter.end_progress();
            signals.end_if_received(|| reporter.erase_line());
        };
        if mode == Mode::Stdio {
            let through = gate::connect(&payer, &server);
            end_payment();
            return stdio::relay(through?);
        }
        let paid = payer.connect(&server);
        end_payment();
        let paid = paid.map_err(|error| complaint(&error))?;
        resource::print(paid.resource())
            .map_err(|error| format!("cannot print the resource: {error}"))
    })
}
