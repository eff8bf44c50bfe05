//! Settings that are valid one by one, but that together keep clients out.

use std::time::Duration;

use powtcp_common::duration;

use super::Config;

/// The default of the client's `--max-bits`: it refuses harder puzzles.
pub const CLIENT_MAX_BITS: u8 = 32;
/// What one core without vector instructions hashes in a second: the slowest client to expect.
const SLOW_HASHES_PER_SECOND: u64 = 25_000_000;

impl Config {
    /// Returns a sentence for each contradiction.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let (rules, bounds) = (&self.rules, &self.bounds);
        let bits = self.price.range.end().bits();
        let [ttl, handshake] = [rules.ttl, rules.handshake_timeout].map(duration::write);
        let solving = average_time(bits);
        let mut found = Vec::new();
        if bits > CLIENT_MAX_BITS {
            found.push(format!(
                "--bits {bits} is more than the {CLIENT_MAX_BITS} that a client accepts by default"
            ));
        }
        if rules.ttl < solving {
            let seconds = solving.as_secs_f64();
            found.push(format!(
                "--ttl {ttl} is less than the {seconds:.1} s that {bits} bits take on average at 25 MH/s"
            ));
        }
        if rules.handshake_timeout > rules.ttl {
            found.push(format!(
                "--handshake-timeout {handshake} is more than --ttl {ttl}: a silent connection holds \
                 its place longer than one with a puzzle"
            ));
        }
        if bounds.per_source as usize >= bounds.connections {
            found.push(format!(
                "--max-connections-per-ip {} limits nothing, because --max-connections is {}",
                bounds.per_source, bounds.connections
            ));
        }
        if self.access.accept_proxy.covers_the_internet() {
            found.push(
                "--accept-proxy holds the whole internet: any client can name any address as its own"
                    .to_string(),
            );
        }
        found
    }
}

/// Returns the average time to solve a puzzle of `bits` bits on a slow client.
fn average_time(bits: u8) -> Duration {
    let hashes = 1_u128 << bits;
    let milliseconds = hashes * 1000 / u128::from(SLOW_HASHES_PER_SECOND);
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use powtcp_options::Request;

    use super::super::PROGRAM;
    use super::*;

    fn contradictions(line: &str) -> Vec<String> {
        let arguments = line.split_whitespace().map(OsString::from).collect();
        let Ok(Request::Run(options)) = PROGRAM.read(arguments, []) else {
            panic!("{line} is right");
        };
        Config::new(&options).unwrap().warnings
    }

    #[test]
    fn the_default_settings_do_not_contradict_each_other() {
        assert_eq!(contradictions(""), [""; 0]);
        assert_eq!(contradictions("--bits 30"), [""; 0]);
        assert_eq!(contradictions("--bits 32 --ttl 172s"), [""; 0]);
    }

    #[test]
    fn each_contradiction_is_found() {
        for (line, parts) in [
            ("--bits 33 --ttl 1h", &["--bits 33"][..]),
            (
                "--bits 31",
                &["--ttl 1m is less than the 85.9 s that 31 bits take"],
            ),
            (
                "--bits 40 --ttl 1s --handshake-timeout 1s",
                &["--bits 40", "--ttl 1s"],
            ),
            (
                "--handshake-timeout 61s",
                &["--handshake-timeout 61s is more than --ttl 1m"],
            ),
            (
                "--ttl 9999ms",
                &["--handshake-timeout 10s is more than --ttl 9999ms"],
            ),
            (
                "--max-connections 5 --max-connections-per-ip 5",
                &["--max-connections-per-ip 5 limits nothing"],
            ),
            ("--max-connections 5 --max-connections-per-ip 4", &[]),
            ("--bits 64 --ttl 24h", &["--bits 64", "--ttl 24h"]),
        ] {
            let found = contradictions(line);
            assert_eq!(found.len(), parts.len(), "{line}: {found:?}");
            for (sentence, part) in found.iter().zip(parts) {
                assert!(sentence.starts_with(part), "{line}: {found:?}");
            }
        }
    }
}
