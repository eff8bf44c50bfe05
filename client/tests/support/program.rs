//! Runs of the programs under test, and what the tests expect of them.

use std::io;
use std::process::Command;

pub(crate) use powtcp_testkit::process::Outcome;
use powtcp_testkit::process::Program;

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

/// Runs a program whose standard output is a pipe with a closed reading end.
#[track_caller]
pub(crate) fn outcome_with_closed_stdout(command: Command) -> Outcome {
    let (reader, writer) = io::pipe().expect("a free descriptor");
    drop(reader);
    let program = Program::start_with_stdout(command, writer.into());
    program.expect("a program that was built").finish()
}

/// What a test expects of a run.
pub(crate) trait Expect {
    /// Expects success, with nothing on standard error.
    #[track_caller]
    fn assert_silent_success(&self);

    /// Expects a usage error that contains all `parts`: exit status 2, and nothing on standard
    /// output.
    #[track_caller]
    fn assert_wrong_usage(&self, parts: &[&str]);
}

impl Expect for Outcome {
    fn assert_silent_success(&self) {
        let ended = (self.status, self.stderr.len());
        assert_eq!(ended, (Some(0), 0), "{self:?}");
    }

    fn assert_wrong_usage(&self, parts: &[&str]) {
        assert_eq!((self.status, &*self.text()), (Some(2), ""), "{self:?}");
        let [line, hint] = self.stderr.as_slice() else {
            panic!("{self:?}")
        };
        for part in parts {
            assert!(line.contains(part), "no {part:?} in {line:?}");
        }
        assert!(hint.contains("--help"), "{self:?}");
    }
}
