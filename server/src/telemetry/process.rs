//! What the kernel knows of this process, from proc(5) on Linux and from getrlimit(2).

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use libc::EMFILE;
use rlimit::Resource;

/// Clock ticks of proc(5) per second; it is 100 on every Linux architecture (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;
/// Both files are a part of this long: `stat` has 52 numbers, `status` some 60 short lines.
const MAX_FILE: usize = 4096;

/// The files of proc(5) that stay open, so that the figures do not vanish when descriptors run out.
#[derive(Debug)]
pub struct ProcessFiles {
    stat: Option<File>,
    status: Option<File>,
}

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

impl ProcessFiles {
    /// Opens the files; systems other than Linux have none.
    pub fn open() -> Self {
        Self {
            stat: File::open("/proc/self/stat").ok(),
            status: File::open("/proc/self/status").ok(),
        }
    }

    /// Reads the present values. It opens no file.
    pub fn usage(&self) -> ProcessUsage {
        let max_descriptors = Resource::NOFILE.get_soft().ok();
        ProcessUsage {
            cpu: read(self.stat.as_ref()).as_deref().and_then(cpu),
            // `stat` has it too, but in pages, whose size it does not tell.
            resident: read(self.status.as_ref()).as_deref().and_then(resident),
            open_descriptors: open_descriptors(max_descriptors),
            max_descriptors,
        }
    }
}

/// Reads a file from its start; the kernel writes it anew for each such read.
fn read(file: Option<&File>) -> Option<String> {
    let mut buffer = [0; MAX_FILE];
    let len = file?.read_at(&mut buffer, 0).ok()?;
    Some(String::from_utf8_lossy(&buffer[..len]).into_owned())
}

/// Parses `/proc/self/stat`. The name in parentheses is field 2 and may contain anything; utime and
/// stime are fields 14 and 15.
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let (user, system) = (fields.next()?, fields.next()?);
    let ticks = user.parse::<u64>().ok()? + system.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * (1_000 / TICKS_PER_SECOND)))
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

/// Returns the number of open descriptors, with no descriptor of its own where the kernel allows it:
/// since Linux 6.2 the size of the directory is the number. Before, the directory must be listed, which
/// fails if all descriptors are in use.
pub fn open_descriptors(max: Option<u64>) -> Option<u64> {
    let directory = "/proc/self/fd";
    match fs::metadata(directory).ok()?.len() {
        0 => match fs::read_dir(directory) {
            Ok(entries) => Some(entries.count() as u64),
            Err(error) if error.raw_os_error() == Some(EMFILE) => max,
            Err(_) => None,
        },
        count => Some(count),
    }
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
        let ticks_beyond_32_bits = stat.replace(" 123 ", " 4294967296 ");
        assert_eq!(
            cpu(&ticks_beyond_32_bits),
            Some(Duration::from_millis(42_949_673_410))
        );
        for broken in ["", "x", "VmRSS: kB"] {
            assert_eq!(cpu(broken), None);
            assert_eq!(resident(broken), None);
        }
    }

    #[test]
    fn an_open_file_tells_the_present_values() {
        let files = ProcessFiles::open();
        let before = files.usage();
        let memory = vec![1_u8; 64 << 20];
        let after = files.usage();
        assert_eq!(memory.last(), Some(&1));
        let grown = after.resident.unwrap() - before.resident.unwrap();
        assert!(grown > 32 << 20, "{before:?}, {after:?}");
    }
}
