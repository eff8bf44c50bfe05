//! Programs of others that tests run.

use std::env;
use std::io::ErrorKind;
use std::process::{Command, Output};

/// The program `name`, to be run. `None` where it is not installed: the test says so and passes,
/// except in CI.
pub(crate) fn installed(name: &str) -> Option<Command> {
    match Command::new(name).arg("--version").output() {
        Ok(_) => Some(Command::new(name)),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error}");
            assert!(env::var_os("CI").is_none(), "CI lacks the program {name}");
            println!("skipped: the program {name} is not installed");
            None
        }
    }
}

/// Runs `command` to its end, which must be a good one; returns what it wrote to both outputs.
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

/// A file of this repository; `path` starts at its top.
pub(crate) fn repository_file(path: &str) -> String {
    format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))
}
