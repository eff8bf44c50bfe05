//! A server whose standard error is full: the test has stopped reading it.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, PipeReader, Write, pipe};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use powtcp_testkit::PATIENCE;
use powtcp_testkit::process::Program;

use super::messages::SERVING_METRICS;
use super::page::Page;
use super::server::{command, field};

/// A server with a metrics page, and the pipe that is its standard error.
pub(crate) struct Unread {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
    pub(crate) page: Page,
    /// The reading end of the pipe. Dropping it closes the server's standard error.
    pub(crate) stderr: BufReader<PipeReader>,
}

impl Unread {
    /// Starts a server, and fills its standard error once it listens: each further byte would block.
    pub(crate) fn start() -> Self {
        let (reader, writer) = pipe().expect("a pipe");
        let arguments = "--listen 127.0.0.1:0 --metrics 127.0.0.1:0 --bits 8";
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let program = Program::start_with_stderr(command(&arguments), writer.into());
        let program = program.expect("a program that was built");
        let mut stderr = BufReader::new(reader);
        let mut address_in = |message: &str| loop {
            let line = next_line(&mut stderr).expect("a server that listens");
            if line.contains(message) {
                break field(&line, "address").parse().expect("an address");
            }
        };
        let address = address_in("listening");
        let page = Page::at(address_in(SERVING_METRICS));
        fill(program.pid());
        Self {
            program,
            address,
            page,
            stderr,
        }
    }
}

/// The lines of a standard error that is read again.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    /// Reads `stderr` to its end, in the background.
    pub(crate) fn of(mut stderr: BufReader<PipeReader>) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            while let Some(line) = next_line(&mut stderr) {
                // The test may be over.
                let _ = sender.send(line);
            }
        });
        Self(receiver)
    }

    /// Waits for the next line.
    #[track_caller]
    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("a line of the log")
    }
}

/// Returns the next line that is not one of the filling, or `None` at the end.
fn next_line(stderr: &mut impl BufRead) -> Option<String> {
    loop {
        let mut line = String::new();
        if stderr.read_line(&mut line).expect("a pipe") == 0 {
            return None;
        }
        if line != "\n" {
            assert_eq!(line.pop(), Some('\n'), "a line that was cut: {line:?}");
            return Some(line);
        }
    }
}

/// Fills the standard error of a process with empty lines, through a description of its own: the
/// process's stays blocking.
fn fill(pid: u32) {
    let mut pipe = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(format!("/proc/{pid}/fd/2"))
        .expect("proc(5)");
    for size in [4096, 1] {
        let error = loop {
            if let Err(error) = pipe.write(&[b'\n'; 4096][..size]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}
