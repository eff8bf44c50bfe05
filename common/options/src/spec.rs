//! One line of a program's table of options.

/// An option: its names, its default and its meaning.
#[derive(Debug)]
pub struct Spec {
    /// As the help text shows it: `-b, --bits N`, `--ttl DURATION`, `-q, --quiet` or `ADDR`.
    pub(crate) synopsis: Text,
    pub(crate) fallback: Fallback,
    pub(crate) help: Text,
    /// Whether the option has no variable: it comes from the command line only.
    pub(crate) is_flag_only: bool,
}

/// What applies when an option is not given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fallback {
    /// This value, which is read like a given one.
    Value(&'static str),
    /// No value. The words tell the user what happens then.
    Words(&'static str),
    /// The option is a switch, and it is off.
    Off,
}

/// The option that every program has. Its file holds values of the other options.
pub(crate) const CONFIG: Spec = Spec::optional(
    "--config FILE",
    "none",
    "read options from lines of POWTCP_NAME=VALUE",
);

/// How the names of all our environment variables begin.
pub(crate) const VARIABLE_PREFIX: &str = "POWTCP_";

type Text = &'static str;

impl Spec {
    /// Creates an option with a default value: `("-b, --bits N", "20", "difficulty in bits")`. A
    /// synopsis without a `-` is an argument without a flag.
    pub const fn new(synopsis: Text, default: Text, help: Text) -> Self {
        Self::with(synopsis, Fallback::Value(default), help)
    }

    /// Creates an option without a default value. `otherwise` says what happens when the option is
    /// not given, such as "all cores".
    pub const fn optional(synopsis: Text, otherwise: Text, help: Text) -> Self {
        Self::with(synopsis, Fallback::Words(otherwise), help)
    }

    /// Creates a switch, which takes no value and is off by default: `("-q, --quiet", "be quiet")`.
    pub const fn switch(synopsis: Text, help: Text) -> Self {
        Self::with(synopsis, Fallback::Off, help)
    }

    const fn with(synopsis: Text, fallback: Fallback, help: Text) -> Self {
        Self {
            synopsis,
            fallback,
            help,
            is_flag_only: false,
        }
    }

    /// Takes the variable away from an option, so that it comes from the command line only. This is for
    /// an option whose variable would have another meaning in another program of ours: one environment
    /// or file may serve both.
    pub const fn flag_only(self) -> Self {
        Self {
            is_flag_only: true,
            ..self
        }
    }

    /// Returns the long name, such as `--bits`, by which programs read the option and errors call
    /// it; or `ADDR`, the name of an argument without a flag.
    pub fn name(&self) -> &'static str {
        let mut words = self.synopsis.split(' ');
        let long = words.find(|word| word.starts_with("--"));
        long.unwrap_or(self.synopsis)
    }

    /// Returns the short name, such as `-b`.
    pub(crate) fn short(&self) -> Option<&'static str> {
        let (short, _) = self.synopsis.split_once(", ")?;
        Some(short)
    }

    /// Returns the name of the environment variable: `POWTCP_MAX_BITS` for `--max-bits`, and
    /// `POWTCP_SERVER` for the argument without a flag. An option of the command line only has none.
    pub(crate) fn variable(&self) -> Option<String> {
        if self.is_flag_only {
            return None;
        }
        let name = self.name().strip_prefix("--").unwrap_or("server");
        let name = name.replace('-', "_").to_ascii_uppercase();
        Some(format!("{VARIABLE_PREFIX}{name}"))
    }

    pub(crate) fn is_positional(&self) -> bool {
        !self.synopsis.starts_with('-')
    }

    pub(crate) fn is_switch(&self) -> bool {
        matches!(self.fallback, Fallback::Off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_synopsis() {
        let cases = [
            ("-b, --bits N", Some("-b"), "--bits", "POWTCP_BITS"),
            ("--max-bits N", None, "--max-bits", "POWTCP_MAX_BITS"),
            ("-q, --quiet", Some("-q"), "--quiet", "POWTCP_QUIET"),
            ("ADDR", None, "ADDR", "POWTCP_SERVER"),
        ];
        for (synopsis, short, name, variable) in cases {
            let spec = Spec::new(synopsis, "", "");
            assert_eq!((spec.short(), spec.name()), (short, name));
            assert_eq!(spec.variable().as_deref(), Some(variable));
            assert_eq!(spec.is_positional(), name == "ADDR");
            assert_eq!(spec.flag_only().variable(), None);
        }
    }
}
