//! The server as a process of its own, with its log lines as they come.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::PATIENCE;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_powtcp-server");

/// A server that listens on a port of its own, and that ends with this value.
pub(crate) struct ServerProcess {
    process: Process,
    address: SocketAddr,
}

/// How a run of the program ended.
pub(crate) struct Outcome {
    /// `None` if a signal ended it.
    pub(crate) status: Option<i32>,
    /// All that it wrote to standard error.
    pub(crate) log: Vec<String>,
}

/// The program, whether it serves or not.
struct Process {
    child: Child,
    lines: Receiver<String>,
    log: Vec<String>,
}

/// The program without a `POWTCP_` variable that it was not given by the test.
pub(crate) fn command(arguments: &[&str]) -> Command {
    bare_command(PROGRAM, arguments)
}

/// Runs what cannot serve to its end.
pub(crate) fn outcome_of(command: Command) -> Outcome {
    Process::spawn(command).wait()
}

impl ServerProcess {
    /// A server on 127.0.0.1, at 8 bits unless `arguments` say otherwise.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let bits: &[&str] = match arguments.contains(&"--bits") {
            true => &[],
            false => &["--bits", "8"],
        };
        let all = [&["--listen", "127.0.0.1:0"], bits, arguments].concat();
        Self::start_command(command(&all))
    }

    /// The same, allowed no more than `descriptors`.
    pub(crate) fn start_with_descriptors(descriptors: u32, arguments: &[&str]) -> Self {
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        let fixed = [
            "-c",
            &script,
            PROGRAM,
            "--listen",
            "127.0.0.1:0",
            "--bits",
            "8",
        ];
        Self::start_command(bare_command("sh", &[&fixed, arguments].concat()))
    }

    pub(crate) fn start_command(command: Command) -> Self {
        let mut process = Process::spawn(command);
        let line = process.wait_for("listening");
        let address = field(&line, "address")
            .parse()
            .expect("the address that it listens on");
        Self { process, address }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// The next log line that holds `part`; lines before it are passed over.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        self.process.wait_for(part)
    }

    /// All log lines up to the one that was waited for last.
    pub(crate) fn log(&self) -> &[String] {
        &self.process.log
    }

    /// Sends the signal `name`, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()));
    }

    /// What the server has cost so far, as the kernel counts it: in hundredths of a second.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = self.proc_file("stat");
        // The fields after the name, which stands in parentheses: utime and stime are 14 and 15.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let times = after_name.split_whitespace().skip(11).take(2);
        let hundredths = times.map(|field| field.parse::<u64>().expect("a number"));
        Duration::from_millis(10 * hundredths.sum::<u64>())
    }

    /// The most memory that the server has held so far, in kilobytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = self.proc_file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("a line of proc(5)")
    }

    fn proc_file(&self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.pid());
        fs::read_to_string(path).expect("a process that runs")
    }

    /// Waits for the end of the server.
    pub(crate) fn wait(self) -> Outcome {
        self.process.wait()
    }

    /// Ends the server as an operator would.
    pub(crate) fn stop(self) -> Outcome {
        self.signal("TERM");
        self.wait()
    }
}

impl Outcome {
    /// Standard error in one text.
    pub(crate) fn text(&self) -> String {
        self.log.join("\n")
    }
}

impl Process {
    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
            for line in lines.map(|line| String::from_utf8_lossy(&line).into_owned()) {
                // A test that is over reads no more.
                let _ = sender.send(line);
            }
        });
        Self {
            child,
            lines,
            log: Vec::new(),
        }
    }

    fn wait_for(&mut self, part: &str) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.log.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
        panic!("no line with {part:?}, but {:#?}", self.log)
    }

    fn wait(mut self) -> Outcome {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.log.push(line);
        }
        let running = self.lines.try_recv() == Err(mpsc::TryRecvError::Empty);
        assert!(!running, "it runs on: {:#?}", self.log);
        let status = self.child.wait().expect("a child of ours");
        Outcome {
            status: status.code(),
            log: std::mem::take(&mut self.log),
        }
    }
}

/// No test leaves a process behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of `key` in a log line of either format; in text one without quotes.
pub(crate) fn field<'a>(line: &'a str, key: &str) -> &'a str {
    let value_between = |start: String, end| line.split_once(&start)?.1.split(end).next();
    value_between(format!(" {key}="), ' ')
        .or_else(|| value_between(format!("\"{key}\":\""), '"'))
        .unwrap_or_else(|| panic!("no {key} in {line:?}"))
}

fn bare_command(program: &str, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POWTCP_") {
            command.env_remove(name);
        }
    }
    command
}
