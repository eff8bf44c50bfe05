//! Puzzles that have become too cheap age faster.

use std::time::Duration;

use powtcp_common::hashcash::Difficulty;

/// How long any puzzle is good, unless the TTL is shorter. It lets a client that got its puzzle just before
/// the price rose present a stamp that takes no time to solve.
const LEAST_TTL: Duration = Duration::from_secs(2);

/// Returns how long a puzzle of difficulty `paid` is good if its source would be asked for `asked_now`: half
/// of `ttl` for each bit that is missing, but not less than 2 s. It stops clients that collect puzzles
/// while they are cheap and solve them during an attack.
pub fn aged_ttl(paid: Difficulty, asked_now: Difficulty, ttl: Duration) -> Duration {
    let missing = asked_now.bits().saturating_sub(paid.bits());
    let divisor = 1_u32.checked_shl(missing.into());
    let aged = divisor.map_or(Duration::ZERO, |divisor| ttl / divisor);
    aged.max(LEAST_TTL.min(ttl))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(bits: u32) -> Difficulty {
        Difficulty::from_bits(bits).unwrap()
    }

    #[test]
    fn a_ttl_halves_for_each_missing_bit_down_to_two_seconds() {
        let ttl = Duration::from_secs(60);
        let aged = |missing: u32| aged_ttl(bits(20), bits(20 + missing), ttl);
        assert_eq!(aged(0), ttl);
        assert_eq!(aged(1), Duration::from_secs(30));
        assert_eq!(aged(2), Duration::from_secs(15));
        assert_eq!(aged(4), Duration::from_millis(3_750));
        for missing in 5..=140 {
            assert_eq!(aged(missing), LEAST_TTL, "{missing} bits");
        }
    }

    #[test]
    fn a_puzzle_that_costs_enough_is_good_for_the_whole_ttl() {
        let ttl = Duration::from_secs(60);
        for asked in 0..=20 {
            assert_eq!(aged_ttl(bits(20), bits(asked), ttl), ttl);
        }
    }

    #[test]
    fn a_ttl_below_two_seconds_does_not_change() {
        for millis in [0, 1, 1_999, 2_000] {
            let ttl = Duration::from_millis(millis);
            assert_eq!(aged_ttl(bits(20), bits(21), ttl), ttl);
            assert_eq!(aged_ttl(bits(0), bits(160), ttl), ttl);
        }
    }
}
