//! What the log tells when the server starts.

use std::io;
use std::net::SocketAddr;

use powtcp_common::log_line::{Level, Value};

use super::{Config, Setting};
use crate::telemetry::log::Log;
use crate::time::Now;

/// The effective settings and the warnings, until they are logged.
pub struct StartReport {
    settings: Vec<(&'static str, Setting)>,
    warnings: Vec<String>,
    /// Addresses of the name in `--listen` that this machine does not have.
    pub absent: Vec<(SocketAddr, io::Error)>,
}

impl StartReport {
    /// Creates the report of a server with this configuration.
    pub fn new(config: &Config) -> Self {
        Self {
            settings: config.settings(),
            warnings: config.warnings.clone(),
            absent: Vec::new(),
        }
    }

    /// Logs a line for each address that the server listens on, with the settings, one for the
    /// metrics page, and one for each warning.
    pub fn log(
        self,
        addresses: &[SocketAddr],
        metrics: Option<SocketAddr>,
        log: &mut Log,
        now: Now,
    ) {
        for address in addresses {
            let address = address.to_string();
            let mut fields = vec![("address", Value::Text(&address))];
            fields.extend(
                self.settings
                    .iter()
                    .map(|(key, setting)| (*key, setting.value())),
            );
            log.line(now, Level::Info, "listening", &fields);
        }
        if let Some(address) = metrics.map(|address| address.to_string()) {
            let fields = [("address", Value::Text(&address))];
            log.line(now, Level::Info, "serving metrics", &fields);
        }
        for (address, error) in self.absent {
            let (address, error) = (address.to_string(), error.to_string());
            let fields = [
                ("address", Value::Text(&address)),
                ("error", Value::Text(&error)),
            ];
            log.line(now, Level::Warn, "not listening", &fields);
        }
        for warning in &self.warnings {
            log.line(now, Level::Warn, warning, &[]);
        }
    }
}
