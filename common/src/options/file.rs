//! The file of `--config`: lines of `POWTCP_BITS=20`, blank lines and `#` comments. systemd's
//! `EnvironmentFile` and docker's `--env-file` read the same format.

use std::fs;

use super::given::{Given, Origin};
use super::spec::{CONFIG, VARIABLE_PREFIX};
use super::{Spec, UsageError};

/// Returns the values in the file that `file` names, in the order of its lines.
///
/// Keys without `POWTCP_` are skipped: the file may be the environment of a whole service.
///
/// # Errors
/// [`UsageError`] for a file that cannot be read, a line without `=`, or a key with `POWTCP_` that
/// is not the variable of one of `specs`.
pub(super) fn read(file: &Given, specs: &'static [Spec]) -> Result<Vec<Given>, UsageError> {
    let text = fs::read_to_string(&file.value)
        .map_err(|error| UsageError::new(format!("{file} cannot be read: {error}")))?;
    let mut values = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{number}", file.value.escape_debug());
        let wrong = |what| UsageError::new(format!("{}: {place}: {what}", CONFIG.name()));
        let Some((key, value)) = line.split_once('=') else {
            let line = line.escape_debug();
            return Err(wrong(format!(
                "'{line}' is not of the form POWTCP_NAME=VALUE"
            )));
        };
        let (key, value) = (key.trim(), value.trim());
        if !key.starts_with(VARIABLE_PREFIX) {
            continue;
        }
        let Some(spec) = specs.iter().find(|spec| spec.variable() == key) else {
            let known: Vec<_> = specs.iter().map(Spec::variable).collect();
            let (key, known) = (key.escape_debug(), known.join(", "));
            return Err(wrong(format!(
                "unknown key '{key}', expected one of {known}"
            )));
        };
        values.push(Given::new(spec.name(), value.into(), Origin::File, place)?);
    }
    Ok(values)
}
