//! The programs under test, as processes.

use std::env;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::PATIENCE;

/// A program that runs, and that ends with this value.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<String>,
    said: Vec<String>,
}

/// How a run ended.
pub(crate) struct Outcome {
    /// `None` if a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// The lines of standard error.
    pub(crate) stderr: Vec<String>,
}

/// `powtcp-client` without a `POWTCP_` variable that it was not given by the test.
pub(crate) fn client(arguments: &[&str]) -> Command {
    command(env!("CARGO_BIN_EXE_powtcp-client"), arguments)
}

/// `powtcp-loadtest`, likewise.
pub(crate) fn loadtest(arguments: &[&str]) -> Command {
    command(env!("CARGO_BIN_EXE_powtcp-loadtest"), arguments)
}

/// `powtcp-client` with all three standard streams on a terminal, by way of `script` (util-linux),
/// which copies what the terminal gets to its standard output.
pub(crate) fn client_on_a_terminal(arguments: &[&str]) -> Command {
    let run = format!("exec \"$CLIENT\" {}", arguments.join(" "));
    let mut script = command("script", &["-qefc", &run, "/dev/null"]);
    script
        .env("SHELL", "/bin/sh")
        .env("CLIENT", env!("CARGO_BIN_EXE_powtcp-client"));
    script
}

/// Runs a program to its end.
pub(crate) fn outcome_of(command: Command) -> Outcome {
    Running::start(command).finish()
}

/// Runs a program whose standard output is a pipe that nobody reads any more.
pub(crate) fn outcome_with_closed_stdout(command: Command) -> Outcome {
    let (reader, writer) = std::io::pipe().expect("a pipe more");
    drop(reader);
    Running::start_with_stdout(command, writer.into()).finish()
}

impl Running {
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with_stdout(command, Stdio::piped())
    }

    fn start_with_stdout(mut command: Command, stdout: Stdio) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        // Its pipes are closed with it, or the test could wait for ever.
        drop(command);
        let stdout = child.stdout.take();
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let (stdout_sender, stdout_receiver) = mpsc::channel();
        let (stderr_sender, stderr_receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.map(|mut stdout| stdout.read_to_end(&mut bytes));
            read.transpose().expect("a pipe of ours");
            // A test that is over reads no more; so below.
            let _ = stdout_sender.send(bytes);
        });
        thread::spawn(move || {
            let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
            for line in lines {
                let _ = stderr_sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self {
            child,
            stdout: stdout_receiver,
            stderr: stderr_receiver,
            said: Vec::new(),
        }
    }

    /// Waits for a line of standard error that holds `part`.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) {
        while let Ok(line) = self.stderr.recv_timeout(PATIENCE) {
            self.said.push(line);
            if self.said.last().is_some_and(|line| line.contains(part)) {
                return;
            }
        }
        panic!("no line with {part:?}, but {:#?}", self.said)
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Outcome {
        let Ok(stdout) = self.stdout.recv_timeout(PATIENCE) else {
            panic!("it runs on: {:#?}", self.said)
        };
        while let Ok(line) = self.stderr.recv_timeout(PATIENCE) {
            self.said.push(line);
        }
        let status = self.child.wait().expect("a child of ours");
        Outcome {
            status: status.code(),
            stdout,
            stderr: std::mem::take(&mut self.said),
        }
    }
}

/// No test leaves a process behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    /// Expects standard output to be `resource` and a newline, to the byte.
    #[track_caller]
    pub(crate) fn assert_printed(&self, resource: impl AsRef<[u8]>) {
        let expected = [resource.as_ref(), b"\n"].concat();
        assert_eq!(self.status, Some(0), "{self:?}");
        assert_eq!(self.stdout, expected, "{:?}", self.text());
    }

    /// Expects a failure that `reason` is told of: one line on standard error, none on standard
    /// output, status 1.
    #[track_caller]
    pub(crate) fn assert_failed(&self, reason: &str) {
        let Self { status, stderr, .. } = self;
        assert_eq!((*status, &*self.text()), (Some(1), ""), "{stderr:?}");
        assert_eq!(stderr.len(), 1, "{stderr:?}");
        let line = stderr[0].strip_prefix("powtcp-client: ");
        assert!(line.is_some_and(|line| line.contains(reason)), "{stderr:?}");
    }

    /// Expects a usage error that names all `parts`: status 2, nothing on standard output.
    #[track_caller]
    pub(crate) fn assert_wrong_usage(&self, parts: &[&str]) {
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

    /// The value of the row `name` of the load test's table.
    #[track_caller]
    pub(crate) fn row(&self, name: &str) -> String {
        let text = self.text();
        let mut rows = text.lines().filter_map(|line| line.rsplit_once("  "));
        let row = rows.find(|(left, _)| left.trim() == name);
        let (_, value) = row.unwrap_or_else(|| panic!("no {name:?} in {self:?}"));
        value.to_string()
    }

    /// Standard output, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Readable, in the message of an assertion that failed.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, stderr) = (self.status, self.stderr.join("\n"));
        write!(
            f,
            "status {status:?}\nstandard output:\n{}\nstandard error:\n{stderr}",
            self.text()
        )
    }
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("POWTCP_") {
            command.env_remove(name);
        }
    }
    command
}
