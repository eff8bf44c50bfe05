//! Programs outside this repository that tests run.

use std::process::{Command, Output};

pub(crate) use powtcp_testkit::tools::installed;

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
