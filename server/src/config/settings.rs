//! The effective settings, for `--check` and for the line that the server logs at start.

use std::fmt;
use std::io::{self, Write};

use powtcp_common::duration;
use powtcp_common::log_line::Value;

use crate::admission::Networks;
use crate::net::acceptor::PortUse;

use super::gate::VERSIONS;
use super::{Config, DIALECTS, FORMATS, LEVELS, POLICIES, PROGRAM};

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A number.
    Number(u64),
    /// Anything else.
    Text(String),
}

impl Config {
    /// Returns the effective settings, each with the name of its option in the form of a log's key.
    /// Addresses are missing: the log tells them when the server listens.
    pub fn settings(&self) -> Vec<(&'static str, Setting)> {
        let number = Setting::Number;
        let text = |text: &str| Setting::Text(text.to_string());
        let time = |time| Setting::Text(duration::write(time));
        let switch = |is_on| text(if is_on { "on" } else { "off" });
        let (rules, bounds) = (&self.rules, &self.bounds);
        let secret = if self.has_secret_file {
            "file"
        } else {
            "drawn"
        };
        let bits = if self.price.is_fixed() {
            number(self.price.range.start().bits().into())
        } else {
            Setting::Text(self.price.to_string())
        };
        let mut settings = vec![
            ("bits", bits),
            ("dialect", text(word_for(&DIALECTS, rules.dialect))),
            ("ttl", time(rules.ttl)),
            ("handshake_timeout", time(rules.handshake_timeout)),
            ("shutdown_timeout", time(self.shutdown_timeout)),
            ("max_connections", number(bounds.connections as u64)),
            ("max_connections_per_ip", number(bounds.per_source.into())),
            ("when_full", text(word_for(&POLICIES, bounds.when_full))),
            ("target_rate", number(self.price.target_rate.into())),
            ("max_puzzles", number(rules.max_puzzles.into())),
            ("reuse_port", switch(self.port_use == PortUse::Shared)),
            ("secret", text(secret)),
            ("resources", number(self.resources.count() as u64)),
            ("log_level", text(word_for(&LEVELS, self.log_level))),
            ("log_format", text(word_for(&FORMATS, self.log_format))),
        ];
        let networks = |networks: &Networks| {
            if networks.is_empty() {
                text("none")
            } else {
                Setting::Text(networks.to_string())
            }
        };
        settings.push(("accept_proxy", networks(&self.access.accept_proxy)));
        if let Some(gate) = &self.gate {
            let send_proxy = gate.send_proxy.map(|version| word_for(&VERSIONS, version));
            settings.extend([
                ("upstream", Setting::Text(gate.target.to_string())),
                ("connect_timeout", time(gate.connect_timeout)),
                ("idle_timeout", time(gate.idle_timeout)),
                ("send_proxy", text(send_proxy.unwrap_or("off"))),
                ("exempt", networks(&self.access.exempt)),
                ("max_relays", number(gate.max_relays as u64)),
                (
                    "max_relays_per_ip",
                    number(gate.max_relays_per_source.into()),
                ),
            ]);
        }
        settings
    }

    /// Prints what `--check` tells: the settings to standard output, one a line, and the warnings to
    /// standard error.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print_check(&self) -> io::Result<()> {
        for warning in &self.warnings {
            PROGRAM.warn(warning);
        }
        let metrics = self.metrics.as_ref().map(ToString::to_string);
        let metrics = metrics.unwrap_or_else(|| "off".to_string());
        let mut text = format!("listen={}\nmetrics={metrics}\n", self.listen);
        for (key, setting) in self.settings() {
            text.push_str(&format!("{key}={setting}\n"));
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }
}

impl Setting {
    /// Returns the value of a field in the log.
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Returns the word that stands for `value` on the command line.
fn word_for<T: PartialEq>(choices: &[(&'static str, T)], value: T) -> &'static str {
    let found = choices.iter().find(|(_, choice)| *choice == value);
    found.map_or("", |(word, _)| word)
}
