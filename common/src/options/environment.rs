//! The variables of the environment that set options.

use std::ffi::OsString;

use super::UsageError;
use super::known::Name;

/// The variables of the environment that have the name of an option and a value.
#[derive(Debug)]
pub(super) struct Environment {
    values: Vec<(String, OsString)>,
    /// What to tell the user about other variables.
    warnings: Vec<String>,
}

impl Environment {
    /// Takes our variables. An empty value counts as not set.
    ///
    /// # Errors
    /// [`UsageError`] for a variable whose name is almost that of one of ours. A name with our prefix
    /// that is not close to any is only a warning: container platforms set some.
    pub(super) fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, UsageError> {
        let (mut values, mut warnings) = (Vec::new(), Vec::new());
        for (name, value) in variables {
            if value.is_empty() {
                continue;
            }
            let name = name.to_string_lossy().into_owned();
            let shown = name.escape_debug();
            match Name::of(&name) {
                Name::Known => values.push((name, value)),
                Name::NearMiss(known) => {
                    let text = format!("environment: unknown variable '{shown}', expected {known}");
                    return Err(UsageError::new(text));
                }
                Name::Unknown => warnings.push(format!(
                    "environment: ignored the variable '{shown}', which is none of powtcp's"
                )),
                Name::Foreign => {}
            }
        }
        Ok(Self { values, warnings })
    }

    /// Returns the value of a variable.
    pub(super) fn value_of(&self, variable: &str) -> Option<OsString> {
        let found = self.values.iter().find(|(name, _)| name == variable);
        found.map(|(_, value)| value.clone())
    }

    /// Returns the warnings.
    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Environment, UsageError> {
        let pairs = variables.iter();
        Environment::new(pairs.map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let variables = [
            ("POWTCP_BITS", ""),
            ("POWTCP_TTL", "1s"),
            ("POWTCP_BIT", ""),
        ];
        let environment = environment(&variables).unwrap();
        assert_eq!(environment.value_of("POWTCP_BITS"), None);
        assert_eq!(environment.value_of("POWTCP_TTL"), Some("1s".into()));
        assert!(environment.into_warnings().is_empty());
    }

    #[test]
    fn a_near_miss_is_an_error_and_a_variable_of_a_platform_a_warning() {
        let error = environment(&[("POWTCP_BIT", "24")]).unwrap_err();
        let text = "environment: unknown variable 'POWTCP_BIT', expected POWTCP_BITS";
        assert_eq!(error.to_string(), text);
        assert!(environment(&[("powtcp_bits", "24")]).is_err());

        let variables = [
            ("POWTCP_PORT", "tcp://10.0.0.1:80"),
            ("HOME", "/root"),
            ("BITS", "1"),
        ];
        let warnings = environment(&variables).unwrap().into_warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("'POWTCP_PORT'"), "{warnings:?}");
    }
}
