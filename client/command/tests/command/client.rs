//! Runs of `powtcp-client`, and what the tests expect of them.

use std::process::Command;

use powtcp_testkit::process::{Outcome, command};

use crate::support::fake_server::{FakeServer, Peer};
use crate::support::program::outcome_of;

const CLIENT: &str = env!("CARGO_BIN_EXE_powtcp-client");

/// Returns `powtcp-client` with `arguments`.
pub(crate) fn client(arguments: &[&str]) -> Command {
    command(CLIENT, arguments)
}

/// Returns `powtcp-client` with all three standard streams on a terminal. `script` (util-linux) copies
/// what the terminal receives to its standard output.
pub(crate) fn client_on_a_terminal(arguments: &[&str]) -> Command {
    let run = format!("exec \"$CLIENT\" {}", arguments.join(" "));
    let mut script = command("script", &["-qefc", &run, "/dev/null"]);
    script.env("SHELL", "/bin/sh").env("CLIENT", CLIENT);
    script
}

/// Plays `script` to a quiet client that never retries. Returns how both ended.
#[track_caller]
pub(crate) fn serve_once<T: Send + 'static>(
    arguments: &[&str],
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (Outcome, T) {
    let server = FakeServer::start(script);
    let fixed = ["--quiet", "--retry", "0", server.address()];
    let outcome = outcome_of(client(&[&fixed, arguments].concat()));
    (outcome, server.finish())
}

/// What the tests expect of a run of the client.
pub(crate) trait ExpectClient {
    /// Expects success, with `resource` and a newline on standard output.
    #[track_caller]
    fn assert_printed(&self, resource: impl AsRef<[u8]>);

    /// Expects a failure: exit status 1, nothing on standard output, and one line on standard error
    /// that contains `reason`.
    #[track_caller]
    fn assert_failed(&self, reason: &str);
}

impl ExpectClient for Outcome {
    fn assert_printed(&self, resource: impl AsRef<[u8]>) {
        let expected = [resource.as_ref(), b"\n"].concat();
        assert_eq!(self.status, Some(0), "{self:?}");
        assert_eq!(self.stdout, expected, "{:?}", self.text());
    }

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
