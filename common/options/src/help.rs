//! The text of `--help` and the README's rows, made from the table of options.

use std::fmt::Write;

use crate::spec::{CONFIG, Fallback};
use crate::{Program, Spec};

/// The column where the explanations begin.
const COLUMN: usize = 36;

impl Program {
    /// Returns the text of `--help`.
    pub fn help(&self) -> String {
        let Self {
            name, usage, about, ..
        } = self;
        let mut text = format!("{about}\n\nUsage: {name} {usage}\n\nOptions:\n");
        for spec in self.options.iter().chain([&CONFIG]) {
            spec.write_help(&mut text);
        }
        text.push_str(
            "  -h, --help\n  -V, --version\n\n\
             An option --some-name can also be set as the environment variable POWTCP_SOME_NAME.\n\
             A flag beats the environment, and the environment beats --config.\n\
             Durations: 250ms, 10s, 2m, 1h.\n",
        );
        text
    }

    /// Returns the options as rows of a Markdown table, without `--help` and `--version`. Tests
    /// check that the documentation has these rows.
    pub fn markdown_rows(&self) -> Vec<String> {
        let row = |spec: &Spec| {
            let default = match spec.fallback {
                Fallback::Value(value) => format!("`{value}`"),
                Fallback::Words(words) => words.to_string(),
                Fallback::Off => "off".to_string(),
            };
            format!("| `{}` | {default} | {} |", spec.synopsis, spec.help)
        };
        self.options.iter().chain([&CONFIG]).map(row).collect()
    }

    /// Returns the default value of the option `name`, if it has one.
    pub fn default_of(&self, name: &str) -> Option<&'static str> {
        match self
            .options
            .iter()
            .find(|spec| spec.name() == name)?
            .fallback
        {
            Fallback::Value(value) => Some(value),
            Fallback::Words(_) | Fallback::Off => None,
        }
    }
}

impl Spec {
    fn write_help(&self, text: &mut String) {
        // Long names stand below each other, whether there is a short name before them or not.
        let indent = if self.synopsis.starts_with("--") {
            "    "
        } else {
            ""
        };
        let name = format!("{indent}{}", self.synopsis);
        let default = match self.fallback {
            Fallback::Value(words) | Fallback::Words(words) => format!(" [default: {words}]"),
            Fallback::Off => String::new(),
        };
        // Writing to a `String` never fails.
        let _ = writeln!(text, "  {name:COLUMN$}{}{default}", self.help);
    }
}
