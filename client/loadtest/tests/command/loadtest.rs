//! Runs of `powtcp-loadtest`, and the server that it starts in these tests.

use std::env;
use std::process::Command;

use powtcp_testkit::process::command;

use crate::support::program::Outcome;
use crate::support::real_server::bind;

/// The path of the program under test.
pub(crate) const LOADTEST: &str = env!("CARGO_BIN_EXE_powtcp-loadtest");
/// Where `server.sh` puts the arguments of the server.
const ARGUMENTS: &str = "SERVER_ARGUMENTS";

/// Returns `powtcp-loadtest` with `arguments`.
pub(crate) fn loadtest(arguments: &[&str]) -> Command {
    command(LOADTEST, arguments)
}

/// Makes `command` start the server of this test program. No test of this package can rely on
/// `powtcp-server` to be built.
pub(crate) fn with_server(mut command: Command) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/command/server.sh");
    let this_program = env::current_exe().expect("the path of a running program");
    command
        .env("TEST_PROGRAM", this_program)
        .env("POWTCP_PROGRAM", script);
    command
}

/// Runs the server that `server.sh` starts.
#[test]
#[ignore = "the server that other tests start"]
fn the_server_itself() {
    let Ok(arguments) = env::var(ARGUMENTS) else {
        return;
    };
    let server = bind(arguments.split(' ').collect(), env::vars_os());
    server.run().expect("a server that serves");
}

/// Returns the value of the row `name` in a table of two columns.
#[track_caller]
pub(crate) fn row(outcome: &Outcome, name: &str) -> String {
    let text = outcome.text();
    let mut rows = text.lines().filter_map(|line| line.rsplit_once("  "));
    let row = rows.find(|(left, _)| left.trim() == name);
    let (_, value) = row.unwrap_or_else(|| panic!("no {name:?} in {outcome:?}"));
    value.to_string()
}
