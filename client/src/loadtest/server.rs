//! The server under load: a child process, and what the kernel says of it.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::LoadtestError;
use super::config::Config;

/// A server that this test started; it ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// How much it has said since it listens.
    log_bytes: Arc<AtomicU64>,
}

/// What a process has used so far (proc(5)).
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// Time on a processor.
    pub(super) cpu: Duration,
    /// Bytes resident now.
    pub(super) resident: u64,
    /// The most bytes that were ever resident.
    pub(super) peak: u64,
    /// Bytes that it wrote to its log.
    pub(super) log_bytes: u64,
}

impl Server {
    /// Starts a server that has room for all that the configuration says, and time.
    pub(super) fn start(config: &Config) -> Result<Self, LoadtestError> {
        let room = (config.idle.max(config.concurrency) + 100).to_string();
        let patience = ["--handshake-timeout", "10m", "--ttl", "10m"];
        Self::start_with(
            config,
            &[&["--max-connections", &room], &patience[..]].concat(),
        )
    }

    /// Starts a server with `options`, and waits until it listens. All else it takes from the
    /// environment, or has its defaults.
    pub(super) fn start_with(config: &Config, options: &[&str]) -> Result<Self, LoadtestError> {
        let program = match &config.program {
            Some(program) => program.clone(),
            None => beside_this_program("powtcp-server")?,
        };
        let mut child = Command::new(&program)
            .args(["--listen", "127.0.0.1:0"])
            .args(["--bits", &config.bits.to_string()])
            .args(options)
            // This file is for the load test, and has options that no server knows.
            .env_remove("POWTCP_CONFIG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| LoadtestError::Start(format!("{}: {error}", program.display())))?;
        let stderr = child.stderr.take().map(BufReader::new);
        let (address, log) = stderr
            .map(read_address)
            .transpose()?
            .ok_or_else(|| LoadtestError::Start("its standard error is not there".to_string()))?;
        let log_bytes = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&log_bytes);
        // A pipe that nobody reads would block the server once it is full.
        thread::spawn(move || drain(log, &count));
        Ok(Self {
            child,
            address,
            log_bytes,
        })
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> io::Result<Usage> {
        let proc = PathBuf::from(format!("/proc/{}", self.child.id()));
        let schedstat = fs::read_to_string(proc.join("schedstat"))?;
        let nanoseconds = schedstat
            .split(' ')
            .next()
            .and_then(|number| number.parse().ok());
        // `VmRSS` is off by what each processor has not added up yet; the sum over mappings is not.
        let mappings = fs::read_to_string(proc.join("smaps_rollup"))?;
        let status = fs::read_to_string(proc.join("status"))?;
        Ok(Usage {
            cpu: Duration::from_nanos(nanoseconds.unwrap_or_default()),
            resident: kilobytes(&mappings, "Rss:"),
            peak: kilobytes(&status, "VmHWM:"),
            log_bytes: self.log_bytes.load(Relaxed),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the log line that says where the server listens.
fn read_address(
    mut log: BufReader<ChildStderr>,
) -> Result<(SocketAddr, BufReader<ChildStderr>), LoadtestError> {
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if log.read_line(&mut line)? == 0 {
            return Err(LoadtestError::Start(format!(
                "it ended and said: {}",
                said.trim_end()
            )));
        }
        let listening = line.contains("msg=listening");
        let address = line
            .split_whitespace()
            .find_map(|field| field.strip_prefix("address="));
        if let (true, Some(Ok(address))) = (listening, address.map(str::parse)) {
            return Ok((address, log));
        }
        said.push_str(&line);
    }
}

/// Reads `log` to its end, and adds up its bytes.
fn drain(mut log: BufReader<ChildStderr>, count: &AtomicU64) {
    while let Ok(bytes @ [_, ..]) = log.fill_buf() {
        let len = bytes.len();
        count.fetch_add(len as u64, Relaxed);
        log.consume(len);
    }
}

fn beside_this_program(name: &str) -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(name))
}

/// The number of bytes in a line such as `Rss:   1234 kB`.
fn kilobytes(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let number =
        value.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    number.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "Name:\tx\nVmHWM:\t    2400 kB\nVmRSS:\t    2300 kB\n";
        assert_eq!(kilobytes(text, "VmHWM:"), 2_400 * 1024);
        assert_eq!(kilobytes(text, "VmSwap:"), 0);
    }
}
