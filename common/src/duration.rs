//! Durations as people write them: `250ms`, `10s`, `2m`, `1h`.

use std::time::Duration;

/// The units with their lengths in milliseconds, the longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Parses a whole number and a unit: `ms`, `s`, `m` or `h`. Returns `None` for anything else.
pub fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, milliseconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// Writes a duration in the longest unit that divides it, as [`parse`] reads it. Drops what is
/// shorter than a millisecond.
pub fn write(duration: Duration) -> String {
    let total = duration.as_millis();
    for (unit, milliseconds) in UNITS {
        if total != 0 && total.is_multiple_of(milliseconds.into()) {
            return format!("{}{unit}", total / u128::from(milliseconds));
        }
    }
    "0ms".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_written() {
        let cases = [
            ("0ms", 0),
            ("250ms", 250),
            ("10s", 10_000),
            ("2m", 120_000),
            ("90m", 5_400_000),
            ("24h", 86_400_000),
        ];
        for (text, milliseconds) in cases {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(parse(text), Some(duration), "{text}");
            assert_eq!(write(duration), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let huge = "18446744073709551615h";
        for text in [
            "", "10", "s", "ms", "1.5s", "-1s", "+1s", " 1s", "1 s", "1S", "1d", huge,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
