//! The text of `--help`, made from the table of options.

use std::fmt::Write;

use super::source::{CONFIG, CONFIG_VARIABLE};
use super::{Default, Program, Spec};

/// Where the explanations begin.
const COLUMN: usize = 36;

const CONFIG_SPEC: Spec = Spec {
    short: "",
    long: CONFIG,
    value: "FILE",
    default: Default::Words("none"),
    help: "read options from lines of POWTCP_NAME=VALUE",
    variable: CONFIG_VARIABLE,
};

impl Program {
    /// The text of `--help`.
    pub fn help(&self) -> String {
        let Self {
            name, usage, about, ..
        } = self;
        let mut text = format!("{about}\n\nUsage: {name} {usage}\n\nOptions:\n");
        for spec in self.options.iter().chain([&CONFIG_SPEC]) {
            spec.write_help(&mut text);
        }
        text.push_str(
            "  -h, --help\n  -V, --version\n\n\
             An option --some-name can also come as the environment variable POWTCP_SOME_NAME.\n\
             A flag beats the environment, and the environment beats --config.\n\
             Durations: 250ms, 10s, 2m, 1h.\n",
        );
        text
    }

    /// The options as rows of a Markdown table, `--help` and `--version` left out: the README has
    /// these, and a test compares.
    pub fn markdown_rows(&self) -> Vec<String> {
        let row = |spec: &Spec| {
            let default = match spec.default {
                Default::Value(value) => format!("`{value}`"),
                Default::Words(words) => words.to_string(),
                Default::Off => "off".to_string(),
            };
            format!("| `{}` | {default} | {} |", spec.synopsis(), spec.help)
        };
        self.options.iter().chain([&CONFIG_SPEC]).map(row).collect()
    }
}

impl Spec {
    /// `-l, --listen ADDR`, as the help text and the README have it.
    pub fn synopsis(&self) -> String {
        let short = if self.short.is_empty() { "" } else { ", " };
        format!("{}{short}{} {}", self.short, self.long, self.value)
            .trim_end()
            .to_string()
    }

    fn write_help(&self, text: &mut String) {
        let indent = if self.short.is_empty() && !self.is_positional() {
            "    "
        } else {
            ""
        };
        let name = format!("{indent}{}", self.synopsis());
        let default = match self.default {
            Default::Value(words) | Default::Words(words) => format!(" [default: {words}]"),
            Default::Off => String::new(),
        };
        // Writing to a `String` never fails.
        let _ = writeln!(text, "  {name:COLUMN$}{}{default}", self.help);
    }
}
