//! Durations as people write them: `250ms`, `10s`, `2m`, `1h`.

use std::time::Duration;

/// Reads a whole number and a unit, `ms`, `s`, `m` or `h`; `None` for anything else.
pub fn parse(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood() {
        let cases = [
            ("250ms", 250),
            ("10s", 10_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                parse(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
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
