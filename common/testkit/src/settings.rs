//! The settings in the environment of this process.

use std::env;
use std::ffi::OsString;
use std::process::Command;

/// Removes the `POWTCP_` variables that `command` would inherit, so that the environment of a test
/// run has no influence on the programs under test.
pub(crate) fn remove_inherited(command: &mut Command) {
    for (name, _) in all() {
        if !command.get_envs().any(|(given, _)| given == name) {
            command.env_remove(name);
        }
    }
}

/// Returns the `POWTCP_` variables of this process.
pub(crate) fn all() -> impl Iterator<Item = (OsString, OsString)> {
    env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"POWTCP_"))
}
