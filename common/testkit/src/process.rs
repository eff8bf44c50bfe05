//! A program as a child process whose output is captured.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

pub use crate::outcome::Outcome;
use crate::{PATIENCE, capture, settings};

/// How long to wait for what an ended program wrote.
const LAST_LINES: Duration = Duration::from_millis(200);

/// A running program. Dropping it kills the program, so that no test leaves a process behind.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Everything on standard output, once the program has closed it.
    stdout: Receiver<Vec<u8>>,
    /// The lines of standard error. Lines that nothing waits for stay here: what a test or a load
    /// test starts writes few of them.
    stderr: Receiver<String>,
    stderr_bytes: Arc<AtomicU64>,
    lines: Vec<String>,
}

impl Program {
    /// Starts `command` with nothing on standard input, and captures standard output and standard
    /// error. The program gets only those `POWTCP_` variables that `command` sets.
    ///
    /// # Errors
    /// The program cannot be started; the text names it.
    pub fn start(command: Command) -> io::Result<Self> {
        Self::start_with_stdout(command, Stdio::piped())
    }

    /// Starts `command` as [`start`](Self::start) does, but with `stdout` as its standard output,
    /// which is captured only if it is [`Stdio::piped`].
    ///
    /// # Errors
    /// The program cannot be started; the text names it.
    pub fn start_with_stdout(command: Command, stdout: Stdio) -> io::Result<Self> {
        Self::start_with(command, Stdio::null(), stdout, Stdio::piped())
    }

    /// Starts `command` as [`start`](Self::start) does, but with `stdin` as its standard input and
    /// `stdout` as its standard output, which is captured only if it is [`Stdio::piped`].
    ///
    /// # Errors
    /// The program cannot be started; the text names it.
    pub fn start_with_streams(command: Command, stdin: Stdio, stdout: Stdio) -> io::Result<Self> {
        Self::start_with(command, stdin, stdout, Stdio::piped())
    }

    /// Starts `command` as [`start`](Self::start) does, but with `stderr` as its standard error,
    /// which is not captured.
    ///
    /// # Errors
    /// The program cannot be started; the text names it.
    pub fn start_with_stderr(command: Command, stderr: Stdio) -> io::Result<Self> {
        Self::start_with(command, Stdio::null(), Stdio::piped(), stderr)
    }

    fn start_with(
        mut command: Command,
        stdin: Stdio,
        stdout: Stdio,
        stderr: Stdio,
    ) -> io::Result<Self> {
        settings::remove_inherited(&mut command);
        let spawned = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn();
        let mut child = spawned.map_err(|error| {
            let program = command.get_program().display();
            io::Error::new(error.kind(), format!("{program}: {error}"))
        })?;
        // `command` may own the writing end of a pipe: it must not stay open in this process.
        drop(command);
        let stderr_bytes = Arc::new(AtomicU64::new(0));
        Ok(Self {
            stdout: capture::all_of(child.stdout.take()),
            stderr: capture::lines_of(child.stderr.take(), Arc::clone(&stderr_bytes)),
            stderr_bytes,
            lines: Vec::new(),
            child,
        })
    }

    /// Returns the process identifier.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the lines of standard error, up to the one that was waited for last.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Returns how many bytes the program has written to standard error.
    pub fn stderr_bytes(&self) -> u64 {
        self.stderr_bytes.load(Relaxed)
    }

    /// Waits for the next line of standard error that contains `part`, and returns it.
    ///
    /// # Errors
    /// The program closes standard error before, or writes no line for [`PATIENCE`].
    pub fn next_line_with(&mut self, part: &str) -> io::Result<String> {
        loop {
            match self.stderr.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.lines.push(line.clone());
                    if line.contains(part) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let said = self.lines.join("\n");
                    let text = format!("no line with {part:?}, only: {said}");
                    return Err(io::Error::new(ErrorKind::TimedOut, text));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let text = format!("it ended and said: {}", self.lines.join("\n"));
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
                }
            }
        }
    }

    /// Waits for the next line of standard error that contains `part`, and returns it.
    ///
    /// # Panics
    /// There is no such line, see [`next_line_with`](Self::next_line_with).
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) -> String {
        match self.next_line_with(part) {
            Ok(line) => line,
            Err(error) => panic!("waiting for {part:?}: {error}"),
        }
    }

    /// Sends the signal `name`, such as `TERM`.
    ///
    /// # Errors
    /// There is no such signal, or the process has ended and was waited for.
    pub fn send_signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(io::Error::other(format!("cannot send {name}: {status}")));
        }
        Ok(())
    }

    /// Sends the signal `name`, such as `TERM`.
    ///
    /// # Panics
    /// The signal cannot be sent, see [`send_signal`](Self::send_signal).
    #[track_caller]
    pub fn signal(&self, name: &str) {
        if let Err(error) = self.send_signal(name) {
            panic!("{error}");
        }
    }

    /// Returns how the program ended and the last line that it wrote to standard error, or `None` if it
    /// is running.
    pub fn end(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        // The pipe may be open longer, in children of the program.
        while let Ok(line) = self.stderr.recv_timeout(LAST_LINES) {
            self.lines.push(line);
        }
        let last = self.lines.last().map_or("nothing", String::as_str);
        Some(format!("{status}, it said last: {last}"))
    }

    /// Waits for the end of the program.
    ///
    /// # Errors
    /// The program is still running after [`PATIENCE`].
    pub fn wait(mut self) -> io::Result<Outcome> {
        let stdout = self.stdout.recv_timeout(PATIENCE);
        let stderr = loop {
            match self.stderr.recv_timeout(PATIENCE) {
                Ok(line) => self.lines.push(line),
                Err(end) => break end,
            }
        };
        let (Ok(stdout), RecvTimeoutError::Disconnected) = (stdout, stderr) else {
            let text = format!("it is still running and said: {}", self.lines.join("\n"));
            return Err(io::Error::new(ErrorKind::TimedOut, text));
        };
        Ok(Outcome {
            status: self.child.wait()?.code(),
            stdout,
            stderr: std::mem::take(&mut self.lines),
        })
    }

    /// Waits for the end of the program.
    ///
    /// # Panics
    /// The program is still running after [`PATIENCE`].
    #[track_caller]
    pub fn finish(self) -> Outcome {
        match self.wait() {
            Ok(outcome) => outcome,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if the program was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns `program` with `arguments`.
pub fn command(program: impl AsRef<OsStr>, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn shell(script: &str) -> Command {
        command("sh", &["-c", script])
    }

    #[test]
    fn both_streams_and_the_status_are_captured() {
        let script = "echo out; echo one >&2; echo two >&2; printf three >&2; exit 3";
        let program = Program::start(shell(script)).unwrap();
        let outcome = program.finish();
        assert_eq!(outcome.status, Some(3));
        assert_eq!(outcome.stdout, b"out\n");
        assert_eq!(outcome.stderr, ["one", "two", "three"]);
    }

    #[test]
    fn a_line_is_waited_for_and_lines_before_it_are_kept() {
        let script = "echo one >&2; echo two >&2; read forever; echo three >&2";
        let mut program = Program::start(shell(script)).unwrap();
        assert_eq!(program.wait_for("tw"), "two");
        assert_eq!(program.lines(), ["one", "two"]);
        let error = program.next_line_with("four").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("three"), "{error}");
        assert_eq!(program.stderr_bytes(), 14);
    }

    #[test]
    fn a_signal_ends_a_program() {
        let mut program = Program::start(shell("echo ready >&2; exec sleep 60")).unwrap();
        program.wait_for("ready");
        program.signal("TERM");
        assert_eq!(program.finish().status, None);
        let program = Program::start(shell("exec sleep 60")).unwrap();
        assert!(program.send_signal("NONSENSE").is_err());
    }

    #[test]
    fn a_dropped_program_is_killed() {
        let mut program = Program::start(shell("echo $$ >&2; exec sleep 60")).unwrap();
        let pid = program.wait_for("");
        assert_eq!(pid, program.pid().to_string());
        drop(program);
        let proc = std::path::PathBuf::from("/proc").join(pid);
        assert!(!proc.exists());
    }

    #[test]
    fn the_end_of_a_program_is_told_with_its_last_line() {
        let mut program = Program::start(shell("echo one >&2; read wait; exit 3")).unwrap();
        program.wait_for("one");
        let end = loop {
            if let Some(end) = program.end() {
                break end;
            }
            std::thread::yield_now();
        };
        assert_eq!(end, "exit status: 3, it said last: one");
    }

    #[test]
    fn a_given_standard_output_is_not_captured() {
        let (mut reader, writer) = io::pipe().unwrap();
        let program = Program::start_with_stdout(shell("echo out"), writer.into()).unwrap();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"out\n");
        assert_eq!(program.finish().stdout, b"");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Program::start(Command::new("/no/such/program")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("/no/such/program"), "{error}");
    }
}
