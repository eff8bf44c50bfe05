//! A server whose standard error is full: the test has stopped reading it.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, PipeReader, PipeWriter, Write, pipe};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use powtcp_testkit::process::Program;

use super::messages::SERVING_METRICS;
use super::page::Page;
use super::server::{command, field};

/// A server with a metrics page, and the pipe that is its standard error.
pub(crate) struct Unread {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
    pub(crate) page: Page,
    stderr: BufReader<PipeReader>,
}

impl Unread {
    /// Starts a server, and fills its standard error once it listens: each further byte would block.
    pub(crate) fn start() -> Self {
        let (reader, writer) = pipe().expect("a pipe");
        let arguments = "--listen 127.0.0.1:0 --metrics 127.0.0.1:0 --bits 8";
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let stderr = writer.try_clone().expect("a descriptor").into();
        let program = Program::start_with_stderr(command(&arguments), stderr);
        let mut stderr = BufReader::new(reader);
        let mut address_in = |message: &str| loop {
            let line = next_line(&mut stderr);
            if line.contains(message) {
                break field(&line, "address").parse().expect("an address");
            }
        };
        let address = address_in("listening");
        let page = Page::at(address_in(SERVING_METRICS));
        fill(&writer);
        Self {
            program: program.expect("a program that was built"),
            address,
            page,
            stderr,
        }
    }

    /// Reads the next line of the log.
    pub(crate) fn next_line(&mut self) -> String {
        next_line(&mut self.stderr)
    }

    /// Closes the reading end of the server's standard error.
    pub(crate) fn close_stderr(self) -> (Program, SocketAddr, Page) {
        (self.program, self.address, self.page)
    }
}

/// Returns the next line that is not one of the filling.
fn next_line(stderr: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        let len = stderr.read_line(&mut line).expect("a pipe");
        assert!(len > 0, "the server has ended");
        if line != "\n" {
            assert_eq!(line.pop(), Some('\n'), "a line that was cut: {line:?}");
            return line;
        }
    }
}

/// Fills a pipe with empty lines, through a description of its own: the server's stays blocking.
fn fill(pipe: &PipeWriter) {
    let mut filling = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(format!("/proc/self/fd/{}", pipe.as_raw_fd()))
        .expect("proc(5)");
    for size in [4096, 1] {
        let error = loop {
            if let Err(error) = filling.write(&[b'\n'; 4096][..size]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}
