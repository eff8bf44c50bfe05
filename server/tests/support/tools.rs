//! Programs outside this repository that tests run.

use std::env;
use std::process::{Command, Output};

/// Returns a command for the program `name`. Returns `None` and says so if it is not installed, so that
/// the test can pass; in CI a missing program is a failure.
pub(crate) fn installed(name: &str) -> Option<Command> {
    // Looking it up is cheaper than running it: some of these programs take long to start.
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|directory| directory.join(name).is_file()) {
        return Some(Command::new(name));
    }
    assert!(env::var_os("CI").is_none(), "CI lacks the program {name}");
    println!("skipped: the program {name} is not installed");
    None
}

/// Runs `command`, expects success, and returns its standard output and standard error.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program is installed");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(status.success(), "{command:?}: {stdout}\n{stderr}");
    (stdout, stderr)
}

/// Returns the path of a file of this repository; `path` is relative to its root.
pub(crate) fn repository_file(path: &str) -> String {
    format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))
}
