//! A powtcp server as a child process, and what it costs according to the kernel.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::guard::Guard;
use crate::process::{Outcome, Program};
use crate::settings;

/// A server that listens. Dropping it kills the server, and so does the end of this process, by
/// whatever signal.
#[derive(Debug)]
pub struct ServerProcess {
    /// Ends the server if this process ends first.
    _guard: Guard,
    program: Program,
    address: SocketAddr,
    /// What the log had grown to when the server began to listen.
    log_bytes_at_start: u64,
}

/// What a server has used so far (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Time on a processor, of all its threads.
    pub cpu: Duration,
    /// Bytes resident now.
    pub resident: u64,
    /// The most bytes that were resident at one time.
    pub peak: u64,
}

impl ServerProcess {
    /// Starts `command` and waits until it logs the address that it listens on, in either log
    /// format. As for any [`Program`], `POWTCP_` variables are not inherited: with one of them the
    /// server could hide that line, see [`pass_settings`].
    ///
    /// # Errors
    /// The program cannot be started, or it ends or stays silent instead of listening.
    pub fn start(mut command: Command) -> io::Result<Self> {
        let guard = Guard::start()?;
        guard.watch(&mut command);
        let mut program = Program::start(command)?;
        loop {
            let line = program.next_line_with("listening")?;
            if field(&line, "msg") != Some("listening") {
                continue;
            }
            let address = field(&line, "address").and_then(|address| address.parse().ok());
            let Some(address) = address else {
                let text = format!("no address in {line:?}");
                return Err(io::Error::new(ErrorKind::InvalidData, text));
            };
            return Ok(Self {
                _guard: guard,
                log_bytes_at_start: program.stderr_bytes(),
                program,
                address,
            });
        }
    }

    /// Returns the address that the server listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the process identifier.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Returns what the server has used so far.
    ///
    /// # Errors
    /// The process has ended, or the kernel does not tell.
    pub fn usage(&self) -> io::Result<Usage> {
        let proc = format!("/proc/{}", self.pid());
        let proc = Path::new(&proc);
        // `VmRSS` lacks what each processor has not added up yet; the sum over mappings is exact.
        let mappings = fs::read_to_string(proc.join("smaps_rollup"))?;
        let status = fs::read_to_string(proc.join("status"))?;
        Ok(Usage {
            cpu: cpu_time(proc)?,
            resident: kilobytes(&mappings, "Rss:")?,
            peak: kilobytes(&status, "VmHWM:")?,
        })
    }

    /// Returns how many bytes the server has written to its log since it listens.
    pub fn log_bytes(&self) -> u64 {
        self.program.stderr_bytes() - self.log_bytes_at_start
    }

    /// Returns how the server ended and what it said last, or `None` if it is running.
    pub fn end(&mut self) -> Option<String> {
        self.program.end()
    }

    /// Returns the log lines, up to the one that was waited for last.
    pub fn log(&self) -> &[String] {
        self.program.lines()
    }

    /// Waits for the next log line that contains `part`, and returns it.
    ///
    /// # Panics
    /// There is no such line.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) -> String {
        self.program.wait_for(part)
    }

    /// Sends the signal `name`, such as `TERM`.
    ///
    /// # Panics
    /// The signal cannot be sent.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        self.program.signal(name);
    }

    /// Waits for the end of the server.
    ///
    /// # Panics
    /// The server is still running after [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn finish(self) -> Outcome {
        self.program.finish()
    }

    /// Ends the server as an operator would, by SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// The server cannot be signalled, or is still running after [`PATIENCE`](crate::PATIENCE).
    pub fn stop(self) -> io::Result<Outcome> {
        self.program.send_signal("TERM")?;
        self.program.wait()
    }
}

/// Gives `command` the `POWTCP_` variables of this process, except `POWTCP_CONFIG`, which names a
/// file for this process, and the two of the log, with which the server could hide the line that
/// [`ServerProcess::start`] waits for.
pub fn pass_settings(command: &mut Command) {
    let own = ["POWTCP_CONFIG", "POWTCP_LOG_LEVEL", "POWTCP_LOG_FORMAT"];
    command.envs(settings::all().filter(|(name, _)| own.iter().all(|own| name != own)));
}

/// Returns the value of `key` in a log line of either format. In a text line the value must be one
/// without quotes, in a JSON line a string without escapes.
pub fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value_between = |start: String, end| line.split_once(&start)?.1.split(end).next();
    value_between(format!(" {key}="), ' ').or_else(|| value_between(format!("\"{key}\":\""), '"'))
}

/// Adds up what the threads have run, in nanoseconds: `stat` counts in hundredths of a second.
fn cpu_time(proc: &Path) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(proc.join("task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanoseconds = text
            .split(' ')
            .next()
            .and_then(|number| number.parse().ok());
        total += Duration::from_nanos(nanoseconds.ok_or(ErrorKind::InvalidData)?);
    }
    Ok(total)
}

/// Returns the number of bytes in the line `name` of `text`, such as `Rss:   1234 kB`.
fn kilobytes(text: &str, name: &str) -> io::Result<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse().ok());
    number
        .map(|kilobytes: u64| kilobytes * 1024)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, format!("no {name} in proc(5)")))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::PATIENCE;
    use crate::process::command;

    const TEXT: &str = "time=x level=INFO msg=listening address=127.0.0.1:4711 dialect=hashcash";
    const JSON: &str =
        r#"{"time":"x","level":"INFO","msg":"listening","address":"[::1]:4711","bits":20}"#;

    /// A program that logs `line` and then lives until it is signalled.
    fn listener(line: &str) -> Command {
        let script = r#"echo "not listening yet" >&2; echo "$0" >&2; exec sleep 60"#;
        command("sh", &["-c", script, line])
    }

    #[test]
    fn the_address_is_read_in_both_formats() {
        for (line, address) in [(TEXT, "127.0.0.1:4711"), (JSON, "[::1]:4711")] {
            let server = ServerProcess::start(listener(line)).unwrap();
            assert_eq!(server.address().to_string(), address);
            assert_eq!(server.log().len(), 2);
            assert_eq!(server.log_bytes(), 0);
            assert_eq!(server.stop().unwrap().status, None);
        }
    }

    #[test]
    fn a_server_that_does_not_listen_is_an_error_with_its_words() {
        let error = ServerProcess::start(command("sh", &["-c", "echo no >&2"])).unwrap_err();
        assert_eq!(error.to_string(), "it ended and said: no");
        let error = ServerProcess::start(listener("time=x msg=listening address=y")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn the_kernel_tells_what_a_process_uses() {
        let server = ServerProcess::start(listener(TEXT)).unwrap();
        let start = Instant::now();
        let mut usage = server.usage().unwrap();
        // The kernel adds up the time of a process when it stops running.
        while usage.cpu.is_zero() {
            assert!(start.elapsed() < PATIENCE, "{usage:?}");
            usage = server.usage().unwrap();
        }
        // The peak can be the smaller one: it lacks what each processor has not added up yet.
        assert!(usage.resident > 0 && usage.peak > 0, "{usage:?}");
    }

    /// Prints the variables that two programs get: one as usual, and one with settings passed on. Runs in
    /// a process whose environment is made up, because a test cannot change its own.
    #[test]
    #[ignore = "a part of the next test"]
    fn print_settings() {
        let variables = || command("sh", &["-c", "env | grep POWTCP_ | sort | xargs"]);
        let mut own = variables();
        own.env("POWTCP_TTL", "9s");
        let mut passed = variables();
        pass_settings(&mut passed);
        for command in [own, passed] {
            print!("got {}", Program::start(command).unwrap().finish().text());
        }
    }

    #[test]
    fn settings_are_inherited_only_if_they_are_passed_on() {
        let test = "server::tests::print_settings";
        let this = std::env::current_exe().unwrap();
        let mut outer = Command::new(this);
        outer
            .args(["--exact", test, "--ignored", "--nocapture"])
            .envs(["CONFIG", "LOG_LEVEL", "LOG_FORMAT", "BITS"].map(|name| {
                let value = name.to_lowercase();
                (format!("POWTCP_{name}"), value)
            }));
        let text = Program::start(outer).unwrap().finish().text();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("got ")).collect();
        let expected = ["POWTCP_TTL=9s", "POWTCP_BITS=bits"];
        assert_eq!(lines.len(), expected.len(), "{text}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.ends_with(&format!("got {expected}")), "{text}");
        }
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "Name:\tx\nVmHWM:\t    2400 kB\nVmRSS:\t    2300 kB\n";
        assert_eq!(kilobytes(text, "VmHWM:").unwrap(), 2_400 * 1024);
        assert!(kilobytes(text, "VmSwap:").is_err());
    }
}
