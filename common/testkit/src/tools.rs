//! Programs outside this repository that tests run.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Where services are installed. The path of a user may lack these directories.
const OF_SERVICES: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Returns a command for the program `name`, by its absolute path. Returns `None` and says so if it is not
/// installed, so that the test can pass.
///
/// # Panics
/// The program is missing in CI.
#[track_caller]
pub fn installed(name: &str) -> Option<Command> {
    // Looking it up is cheaper than running it: some of these programs take long to start.
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(OF_SERVICES.map(PathBuf::from));
    let mut candidates = directories.map(|directory| directory.join(name));
    if let Some(program) = candidates.find(|program| program.is_file()) {
        return Some(Command::new(program));
    }
    assert!(env::var_os("CI").is_none(), "CI lacks the program {name}");
    eprintln!("skipped: the program {name} is not installed");
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn an_installed_program_has_an_absolute_path() {
        let shell = installed("sh").unwrap();
        assert!(Path::new(shell.get_program()).is_absolute());
    }
}
