//! The server as a process.

use std::process::Command;

pub(crate) use powtcp_testkit::process::Outcome;
use powtcp_testkit::process::{self, Program};
pub(crate) use powtcp_testkit::server::ServerProcess;

/// The path of the program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_powtcp-server");

/// Returns the program with `arguments`.
pub(crate) fn command(arguments: &[&str]) -> Command {
    process::command(PROGRAM, arguments)
}

/// Runs a command that must end without a signal, and returns how it ended.
#[track_caller]
pub(crate) fn outcome_of(command: Command) -> Outcome {
    Program::start(command)
        .expect("a program that was built")
        .finish()
}

/// Starts a server on a port of its own of 127.0.0.1, at 8 bits unless `arguments` say otherwise.
#[track_caller]
pub(crate) fn serve(arguments: &[&str]) -> ServerProcess {
    let bits: &[&str] = if arguments.contains(&"--bits") {
        &[]
    } else {
        &["--bits", "8"]
    };
    let fixed = ["--listen", "127.0.0.1:0"];
    serve_command(command(&[&fixed, bits, arguments].concat()))
}

/// Starts a server as [`serve`] does, after `ulimit` with these arguments, such as `-n 64`.
#[track_caller]
pub(crate) fn serve_with_ulimit(ulimit: &str, arguments: &[&str]) -> ServerProcess {
    let script = format!("ulimit {ulimit}; exec \"$0\" \"$@\"");
    let fixed = ["-c", &script, PROGRAM];
    let server = ["--listen", "127.0.0.1:0", "--bits", "8"];
    let arguments = [&fixed[..], &server, arguments].concat();
    serve_command(process::command("sh", &arguments))
}

/// Starts a server with a command that is given whole.
#[track_caller]
pub(crate) fn serve_command(command: Command) -> ServerProcess {
    ServerProcess::start(command).expect("a server that listens")
}

/// Returns the value of `key` in a log line, which must have it.
#[track_caller]
pub(crate) fn field<'a>(line: &'a str, key: &str) -> &'a str {
    let value = powtcp_testkit::server::field(line, key);
    value.unwrap_or_else(|| panic!("no {key} in {line:?}"))
}
