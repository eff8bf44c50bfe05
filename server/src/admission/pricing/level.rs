//! The level: the difficulty at which the work that clients prove now serves as many as the target rate.
//!
//! A stamp counts at most with the level at which its puzzle was made, so that puzzles which are still out at
//! a lower level do not make the new one overshoot.

use std::ops::RangeInclusive;
use std::time::Duration;

use powtcp_common::hashcash::Difficulty;

/// The time constants of the means, in seconds. The first lets the level rise before an attack has used
/// its first cheap puzzles up, the second lets it fall without swinging.
const TIME_CONSTANTS: [f64; 2] = [2.0, 15.0];

/// The work that served stamps have proven.
#[derive(Debug)]
pub(super) struct ProvenWork {
    /// The hashes of all stamps, those of earlier ones less, for each time constant.
    hashes: [f64; 2],
    /// The time up to which they have decayed.
    until: Duration,
}

impl ProvenWork {
    /// Starts without any work.
    pub(super) fn new() -> Self {
        Self {
            hashes: [0.0; 2],
            until: Duration::ZERO,
        }
    }

    /// Counts a stamp that was served, as so many hashes.
    pub(super) fn add(&mut self, hashes: f64, elapsed: Duration) {
        let decayed = self.decayed(elapsed);
        self.hashes = decayed.map(|before| before + hashes);
        self.until = self.until.max(elapsed);
    }

    /// Returns the hashes a second, as the larger of the two means.
    pub(super) fn per_second(&self, elapsed: Duration) -> f64 {
        let [fast, slow] = self.decayed(elapsed);
        (fast / TIME_CONSTANTS[0]).max(slow / TIME_CONSTANTS[1])
    }

    fn decayed(&self, elapsed: Duration) -> [f64; 2] {
        let seconds = elapsed.saturating_sub(self.until).as_secs_f64();
        let [fast, slow] = TIME_CONSTANTS.map(|constant| (-seconds / constant).exp());
        [self.hashes[0] * fast, self.hashes[1] * slow]
    }
}

/// Returns the bits at which `work` hashes a second buy at most `target` puzzles a second, within `range`.
pub(super) fn level_bits(work: f64, target: f64, range: &RangeInclusive<Difficulty>) -> u32 {
    let [least, greatest] = [range.start(), range.end()].map(|end| end.bits().into());
    // No work has a logarithm of minus infinity. This order also turns what is not a number into `least`.
    let bits: f64 = (work / target).log2().ceil().max(least).min(greatest);
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(bits: u32) -> Difficulty {
        Difficulty::from_bits(bits).unwrap()
    }

    fn level(work: f64, target: f64) -> u32 {
        level_bits(work, target, &(bits(18)..=bits(40)))
    }

    #[test]
    fn the_level_is_the_logarithm_of_work_by_target_rounded_up_and_clamped() {
        for exponent in 0_u32..200 {
            let work = 50.0 * f64::from(exponent).exp2();
            assert_eq!(level(work, 50.0), exponent.clamp(18, 40));
            assert_eq!(level(work * 1.001, 50.0), (exponent + 1).clamp(18, 40));
            assert_eq!(level(work * 0.999, 50.0), exponent.clamp(18, 40));
            assert_eq!(level(work, 50.0 / 16.0), (exponent + 4).clamp(18, 40));
        }
    }

    #[test]
    fn no_work_costs_the_least_and_endless_work_the_greatest_difficulty() {
        assert_eq!(level(0.0, 1.0), 18);
        assert_eq!(level(f64::MIN_POSITIVE, 1e6), 18);
        assert_eq!(level(f64::NAN, 1.0), 18);
        assert_eq!(level(f64::INFINITY, 1.0), 40);
    }

    #[test]
    fn steady_work_is_measured_by_both_means() {
        let mut work = ProvenWork::new();
        for tenth in 1..=1_000 {
            work.add(
                bits(20).expected_hashes(),
                Duration::from_millis(tenth * 100),
            );
        }
        let ten_a_second = 10.0 * f64::from(1 << 20);
        let measured = work.per_second(Duration::from_secs(100));
        assert!((0.95..1.05).contains(&(measured / ten_a_second)));
    }

    #[test]
    fn work_is_seen_at_once_and_forgotten_slowly() {
        let mut work = ProvenWork::new();
        (0..100).for_each(|_| work.add(bits(20).expected_hashes(), Duration::ZERO));
        let hashes = 100.0 * f64::from(1 << 20);
        let after = |seconds| work.per_second(Duration::from_secs(seconds)) / hashes;
        let is_close = |left: f64, right: f64| (left / right - 1.0).abs() < 1e-9;
        assert!(is_close(after(0), 1.0 / 2.0));
        assert!(is_close(after(1), (-0.5_f64).exp() / 2.0));
        assert!(is_close(after(15), (-1.0_f64).exp() / 15.0));
        assert!(is_close(after(150), (-10.0_f64).exp() / 15.0));
        assert_eq!(after(u64::MAX), 0.0);
    }

    #[test]
    fn work_of_the_hardest_puzzles_adds_up_to_a_number() {
        let mut work = ProvenWork::new();
        (0..1_000).for_each(|_| work.add(bits(160).expected_hashes(), Duration::ZERO));
        assert!(work.per_second(Duration::ZERO).is_finite());
    }
}
