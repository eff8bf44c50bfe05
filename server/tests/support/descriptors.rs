//! The limits on descriptors of a running server.

use std::fs;
use std::process::Command;

use super::tools::succeed;

/// Returns the soft and the hard limit on descriptors of a process.
pub(crate) fn descriptor_limits(pid: u32) -> (u64, u64) {
    let path = format!("/proc/{pid}/limits");
    let limits = fs::read_to_string(path).expect("a process that runs");
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut values = line.expect("a line of proc(5)").split_whitespace();
    let mut next = || values.next().and_then(|value| value.parse().ok());
    next().zip(next()).expect("two numbers")
}

/// Sets the soft limit on descriptors of a process. A limit below the number that it has open is as if
/// another process had used up those of the system.
pub(crate) fn limit_descriptors(pid: u32, soft: u64) {
    let mut prlimit = Command::new("prlimit");
    succeed(prlimit.args(["--pid", &pid.to_string(), &format!("--nofile={soft}:")]));
}

/// Returns the number of descriptors that the kernel's table of a process has room for (proc(5)).
pub(crate) fn table_size(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
    let size = line.and_then(|line| line.trim().parse().ok());
    size.expect("a line with a number")
}
