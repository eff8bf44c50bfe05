//! How long a puzzle is expected to take on this machine, from a measured rate.

use std::fmt;
use std::time::Duration;

/// A search whose expected time is this many times the time allowed is not continued. Below it, the
/// chance of a solution in time is about 10 % or more.
const HOPELESS: u32 = 10;

/// How long solving a puzzle is expected to take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    bits: u8,
    rate: f64,
    allowed: Duration,
}

impl Estimate {
    /// Creates the estimate for a puzzle of `bits` bits on a machine that computes `rate` hashes a
    /// second, more than zero, if solving may take the time `allowed`.
    pub(crate) fn new(bits: u8, rate: f64, allowed: Duration) -> Self {
        Self {
            bits,
            rate,
            allowed,
        }
    }

    /// Returns the difficulty of the puzzle in bits.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Returns the measured rate in hashes a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Returns how long solving takes on average. The time of one search varies: in one of eight it
    /// is more than twice as long.
    pub fn expected(&self) -> Duration {
        let seconds = f64::from(self.bits).exp2() / self.rate;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Returns how long solving may take.
    pub fn allowed(&self) -> Duration {
        self.allowed
    }

    /// Returns whether the expected time is within the time allowed.
    pub fn is_in_time(&self) -> bool {
        self.expected() <= self.allowed
    }

    /// Returns the probability, from 0 to 1, that a solution is found in the time allowed. The time
    /// of a search has an exponential distribution.
    pub fn chance(&self) -> f64 {
        -(-self.allowed.as_secs_f64() / self.expected().as_secs_f64()).exp_m1()
    }

    /// Returns whether the search should not be made at all.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.expected() > self.allowed.saturating_mul(HOPELESS)
    }
}

/// Writes `32 bits take about 20 min at 3.58 MH/s, and 60 s are allowed`.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bits, rate) = (self.bits, self.rate / 1e6);
        let [expected, allowed] = [self.expected(), self.allowed].map(about);
        write!(
            f,
            "{bits} bits take about {expected} at {rate:.2} MH/s, and {allowed} are allowed"
        )
    }
}

/// Writes a duration in a unit that leaves few digits.
fn about(duration: Duration) -> String {
    const UNITS: [(f64, &str); 5] = [
        (365.25 * 86_400.0, "years"),
        (86_400.0, "days"),
        (3_600.0, "h"),
        (60.0, "min"),
        (1.0, "s"),
    ];
    let seconds = duration.as_secs_f64();
    let unit = UNITS.iter().find(|(length, _)| seconds >= 2.0 * length);
    match unit {
        Some((length, name)) => format!("{:.0} {name}", seconds / length),
        None => format!("{:.0} ms", seconds * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(bits: u8, rate: f64, allowed: u64) -> Estimate {
        Estimate::new(bits, rate, Duration::from_secs(allowed))
    }

    #[test]
    fn the_expected_time_is_the_work_divided_by_the_rate() {
        let one = estimate(20, 1_048_576.0, 1);
        assert_eq!(one.expected(), Duration::from_secs(1));
        assert!(one.is_in_time() && !one.is_hopeless());
        assert!((one.chance() - 0.632).abs() < 0.001, "{}", one.chance());

        let harder = estimate(23, 1_048_576.0, 1);
        assert!(!harder.is_in_time() && !harder.is_hopeless());
        assert!(estimate(24, 1_048_576.0, 1).is_hopeless());
        assert!(!estimate(24, 1_048_576.0, 2).is_hopeless());
    }

    #[test]
    fn no_difficulty_overflows() {
        let hardest = estimate(160, 1e-3, u64::MAX);
        assert_eq!(hardest.expected(), Duration::MAX);
        assert!(!hardest.is_hopeless());
        assert!(estimate(160, 1e9, 1).is_hopeless());
        assert!(estimate(0, 1e9, 1).is_in_time());
        assert!((estimate(0, 1e9, 1).chance() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_text_has_a_suitable_unit() {
        let text = estimate(32, 3_579_139.0, 60).to_string();
        let expected = "32 bits take about 20 min at 3.58 MH/s, and 60 s are allowed";
        assert_eq!(text, expected);
        for (seconds, text) in [
            (0.25, "250 ms"),
            (90.0, "90 s"),
            (3_600.0, "60 min"),
            (86_400.0, "24 h"),
            (864_000.0, "10 days"),
            (1e10, "317 years"),
        ] {
            assert_eq!(about(Duration::from_secs_f64(seconds)), text);
        }
    }
}
