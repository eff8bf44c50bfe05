//! What the kernel knows of this process, from proc(5) on Linux. Other systems provide none of it.

use std::fs;
use std::time::Duration;

/// Clock ticks of proc(5) per second; it is 100 on every Linux architecture (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// The resources that this process uses; `None` where the system does not tell.
#[derive(Debug, Clone, Copy)]
pub struct ProcessUsage {
    /// Time on a processor, user and system.
    pub cpu: Option<Duration>,
    /// Resident memory, in bytes.
    pub resident: Option<u64>,
    /// Open descriptors.
    pub open_descriptors: Option<u64>,
    /// Descriptors that may be open.
    pub max_descriptors: Option<u64>,
}

impl ProcessUsage {
    /// Reads the present values.
    pub fn read() -> Self {
        let file = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        Self {
            cpu: file("stat").as_deref().and_then(cpu),
            resident: file("status").as_deref().and_then(resident),
            open_descriptors: open_descriptors(),
            max_descriptors: file("limits").as_deref().and_then(max_descriptors),
        }
    }
}

/// Parses `/proc/self/stat`. The name in parentheses is field 2 and may contain anything; utime and
/// stime are fields 14 and 15.
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let (user, system) = (fields.next()?, fields.next()?);
    let ticks = user.parse::<u64>().ok()? + system.parse::<u64>().ok()?;
    Some(Duration::from_millis(1_000 / TICKS_PER_SECOND) * u32::try_from(ticks).ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

/// Since Linux 6.2 the size of the directory is the number of descriptors. Listing ten thousand entries
/// would hold up the event loop.
fn open_descriptors() -> Option<u64> {
    let directory = "/proc/self/fd";
    match fs::metadata(directory).ok()?.len() {
        0 => Some(fs::read_dir(directory).ok()?.count() as u64),
        count => Some(count),
    }
}

fn max_descriptors(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_kernel_are_parsed() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 90 0 0 0 123 45 0 0 20 0 1 0 99 1 1";
        assert_eq!(cpu(stat), Some(Duration::from_millis(1_680)));
        assert_eq!(
            resident("VmHWM:\t 9 kB\nVmRSS:\t    2300 kB\n"),
            Some(2_300 * 1024)
        );
        let limits = "Limit  Soft  Hard  Units\nMax open files            1024  4096  files\n";
        assert_eq!(max_descriptors(limits), Some(1024));
        for broken in ["", "x", "VmRSS: kB", "Max open files unlimited"] {
            assert_eq!(cpu(broken), None);
            assert_eq!(resident(broken), None);
            assert_eq!(max_descriptors(broken), None);
        }
    }
}
