//! The client as a process, and what the tests expect of its end.

use std::process::Command;

use powtcp_testkit::process::{Outcome, Program, command};

/// Returns the command `powtcp-client` with these arguments.
pub(crate) fn client(arguments: &[&str]) -> Command {
    command(env!("CARGO_BIN_EXE_powtcp-client"), arguments)
}

/// Returns a command that runs `powtcp-client` with all three standard streams on a terminal. It uses
/// `script` (util-linux), which copies the output of the terminal to its standard output.
pub(crate) fn client_on_a_terminal(arguments: &[&str]) -> Command {
    let run = format!("exec \"$CLIENT\" {}", arguments.join(" "));
    let mut script = command("script", &["-qefc", &run, "/dev/null"]);
    script
        .env("SHELL", "/bin/sh")
        .env("CLIENT", env!("CARGO_BIN_EXE_powtcp-client"));
    script
}

/// Starts a program.
#[track_caller]
pub(crate) fn start(command: Command) -> Program {
    Program::start(command).expect("a program that was built")
}

/// Runs a program to its end.
#[track_caller]
pub(crate) fn outcome_of(command: Command) -> Outcome {
    start(command).finish()
}

/// Runs a program whose standard output is a pipe without a reader.
#[track_caller]
pub(crate) fn outcome_with_closed_stdout(command: Command) -> Outcome {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let program = Program::start_with_stdout(command, writer.into());
    program.expect("a program that was built").finish()
}

/// What the tests expect of the end of a client.
pub(crate) trait Expectations {
    /// Expects exit status 0, and on standard output exactly `resource` and a newline.
    #[track_caller]
    fn assert_printed(&self, resource: impl AsRef<[u8]>);

    /// Expects exit status 1, nothing on standard output, and on standard error one line that
    /// contains `reason`.
    #[track_caller]
    fn assert_failed(&self, reason: &str);

    /// Expects exit status 2, nothing on standard output, and an error that contains all `parts`.
    #[track_caller]
    fn assert_wrong_usage(&self, parts: &[&str]);
}

impl Expectations for Outcome {
    fn assert_printed(&self, resource: impl AsRef<[u8]>) {
        let expected = [resource.as_ref(), b"\n"].concat();
        assert_eq!(self.status, Some(0), "{self:?}");
        assert_eq!(self.stdout, expected, "{:?}", self.text());
    }

    fn assert_failed(&self, reason: &str) {
        let Self { status, stderr, .. } = self;
        assert_eq!((*status, &*self.text()), (Some(1), ""), "{stderr:?}");
        assert_eq!(stderr.len(), 1, "{stderr:?}");
        let line = stderr[0].strip_prefix("powtcp-client: ");
        assert!(line.is_some_and(|line| line.contains(reason)), "{stderr:?}");
    }

    fn assert_wrong_usage(&self, parts: &[&str]) {
        let Self { status, stderr, .. } = self;
        assert_eq!((*status, &*self.text()), (Some(2), ""), "{stderr:?}");
        let [line, hint] = stderr.as_slice() else {
            panic!("{stderr:?}")
        };
        assert!(
            parts.iter().all(|part| line.contains(part)),
            "{parts:?} not in {line:?}"
        );
        assert!(hint.contains("--help"), "{stderr:?}");
    }
}
