//! Runs of `powtcp-client`, and what the tests expect of them.

use std::process::Command;

use powtcp_testkit::process::command;

use crate::support::fake_server::{FakeServer, Peer};
use crate::support::program::{Outcome, outcome_of};
use crate::support::puzzles::puzzle_line;

const CLIENT: &str = env!("CARGO_BIN_EXE_powtcp-client");

/// Options with which a client accepts any puzzle.
pub(crate) const ENDLESS: [&str; 2] = ["--max-bits", "64"];

/// Returns `powtcp-client` with `arguments`.
pub(crate) fn client(arguments: &[&str]) -> Command {
    command(CLIENT, arguments)
}

/// Returns `powtcp-client` with all three standard streams on a terminal. `script` (util-linux)
/// copies what the terminal receives to its standard output.
pub(crate) fn client_on_a_terminal(arguments: &[&str]) -> Command {
    let run = format!("exec \"$CLIENT\" {}", arguments.join(" "));
    let mut script = command("script", &["-qefc", &run, "/dev/null"]);
    script.env("SHELL", "/bin/sh").env("CLIENT", CLIENT);
    script
}

/// Runs a quiet client against a server that plays `script`, and returns how both ended.
pub(crate) fn serve_once<T: Send + 'static>(
    arguments: &[&str],
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (Outcome, T) {
    let server = FakeServer::start(script);
    let arguments = [&["--quiet", server.address()], arguments].concat();
    let outcome = outcome_of(client(&arguments));
    (outcome, server.finish())
}

/// Waits until `client` has sent something, and leaves it in the socket.
pub(crate) fn wait_for_bytes(client: &Peer) {
    let peeked = client.stream().peek(&mut [0]);
    assert_eq!(peeked.ok(), Some(1), "a client that speaks first");
}

/// Returns the line of a puzzle that no client solves during a test. A client with the options
/// [`ENDLESS`] tries.
pub(crate) fn endless_puzzle_line() -> String {
    puzzle_line(64)
}

/// What a test expects of a run of the client.
pub(crate) trait ExpectClient {
    /// Expects success, with `resource` and a newline on standard output.
    fn assert_printed(&self, resource: impl AsRef<[u8]>);

    /// Expects a failure: exit status 1, nothing on standard output, and one line on standard error
    /// that contains `reason`.
    fn assert_failed(&self, reason: &str);
}

impl ExpectClient for Outcome {
    #[track_caller]
    fn assert_printed(&self, resource: impl AsRef<[u8]>) {
        let expected = [resource.as_ref(), b"\n"].concat();
        assert_eq!(self.status, Some(0), "{self:?}");
        assert_eq!(self.stdout, expected, "{:?}", self.text());
    }

    #[track_caller]
    fn assert_failed(&self, reason: &str) {
        assert_eq!((self.status, &*self.text()), (Some(1), ""), "{self:?}");
        let [line] = self.stderr.as_slice() else {
            panic!("{self:?}")
        };
        let error = line.strip_prefix("powtcp-client: ");
        assert!(
            error.is_some_and(|error| error.contains(reason)),
            "no {reason:?} in {line:?}"
        );
    }
}
