//! The surcharge: a source that is served often pays more for its next puzzle than others.
//!
//! Only stamps served count. Puzzles cost nothing, so if requesting them counted, a client could raise
//! the price of others for nothing.

use std::time::Duration;

use super::PRICING_KEY_LEN;
use super::sketch::Sketch;
use crate::admission::Source;

/// The time in which half of the stamps served to a source are forgotten, in seconds.
const HALF_LIFE: f64 = 60.0;

/// What one stamp a second amounts to in the long run. Half of it a second costs nothing extra.
const ALLOWANCE: f64 = HALF_LIFE / std::f64::consts::LN_2;

/// How many times the allowance of a source a whole site has. A site is a /48, the most that one customer
/// commonly gets (RFC 6177), with 65,536 sources: without a limit of its own it would pay no surcharge.
const SITE_FACTOR: f64 = 8.0;

/// The bounds of the sketch's width. The lower one keeps collisions rare, the upper one bounds memory
/// to 8 MiB and suffices for more clients a second than one thread can serve.
const WIDTHS: (u32, u32) = (1 << 14, 1 << 18);

/// Counts the stamps served to each source and each site.
#[derive(Debug)]
pub(super) struct Surcharges {
    served: Sketch,
}

impl Surcharges {
    /// Creates the surcharges of a server that has served nothing yet.
    pub(super) fn new(target_rate: u32, key: [u8; PRICING_KEY_LEN]) -> Self {
        // Four cells in a row for each client a second: at the target rate what other sources
        // add to a cell stays below the allowance, even if each counts twice, once for its site.
        let width = target_rate.saturating_mul(4).clamp(WIDTHS.0, WIDTHS.1);
        Self {
            served: Sketch::new(width.next_power_of_two() as usize, key),
        }
    }

    /// Returns the surcharge for `source`, in bits.
    pub(super) fn of(&self, source: Source, elapsed: Duration) -> u32 {
        let half_lives = half_lives(elapsed);
        let count = self.served.estimate(source.network(), half_lives);
        let site_count = source
            .site()
            .map_or(0.0, |site| self.served.estimate(site, half_lives));
        surcharge_bits(count.max(site_count / SITE_FACTOR))
    }

    /// Counts a stamp served to `source`.
    pub(super) fn served(&mut self, source: Source, elapsed: Duration) {
        let half_lives = half_lives(elapsed);
        self.served.add(source.network(), half_lives);
        if let Some(site) = source.site() {
            self.served.add(site, half_lives);
        }
    }
}

fn half_lives(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() / HALF_LIFE
}

/// Returns the surcharge for a source to which `count` stamps were served.
fn surcharge_bits(count: f64) -> u32 {
    (1.0 + count / ALLOWANCE).log2() as u32
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn surcharges() -> Surcharges {
        Surcharges::new(50, [7; PRICING_KEY_LEN])
    }

    #[test]
    fn each_doubling_of_the_rate_costs_a_bit_more() {
        let steady = |per_second: f64| surcharge_bits(per_second * ALLOWANCE);
        assert_eq!(steady(0.0), 0);
        assert_eq!(steady(0.99), 0);
        for bits in 1..30 {
            let least = f64::from(bits).exp2() - 1.0;
            assert_eq!(steady(least * 1.001), bits);
            assert_eq!(steady(least * 0.999), bits - 1);
        }
    }

    #[test]
    fn a_steady_rate_amounts_to_its_multiple_of_the_allowance() {
        let mut surcharges = surcharges();
        let source = source("10.0.0.1");
        let interval = Duration::from_millis(125);
        let mut now = Duration::ZERO;
        for _ in 0..8 * 1_200 {
            now += interval;
            surcharges.served(source, now);
        }
        let count = surcharges
            .served
            .estimate(source.network(), half_lives(now));
        assert!((7.99..8.06).contains(&(count / ALLOWANCE)), "{count}");
        assert_eq!(surcharges.of(source, now), 3);
        assert_eq!(surcharges.of(source, now + Duration::from_secs(60)), 2);
        assert_eq!(surcharges.of(source, now + Duration::from_secs(600)), 0);
    }

    #[test]
    fn a_site_has_eight_times_the_allowance_of_a_source() {
        let mut surcharges = surcharges();
        let neighbour = source("2001:db8:1:ffff::1");
        // Eight allowances are 692.5 stamps.
        for number in 0..693 {
            assert_eq!(surcharges.of(neighbour, Duration::ZERO), 0, "{number}");
            let busy = source(&format!("2001:db8:1:{:x}::1", number % 8));
            surcharges.served(busy, Duration::ZERO);
        }
        assert_eq!(surcharges.of(neighbour, Duration::ZERO), 1);
        assert_eq!(surcharges.of(source("2001:db8:2::1"), Duration::ZERO), 0);
    }

    #[test]
    fn ipv4_addresses_have_no_site() {
        let mut surcharges = surcharges();
        (0..8 * 87).for_each(|_| surcharges.served(source("10.0.0.1"), Duration::ZERO));
        assert_eq!(surcharges.of(source("10.0.0.1"), Duration::ZERO), 3);
        assert_eq!(surcharges.of(source("10.0.0.2"), Duration::ZERO), 0);
    }

    #[test]
    fn sources_at_the_target_rate_do_not_pay_for_each_other() {
        let width = |rate| Surcharges::new(rate, [0; PRICING_KEY_LEN]).served.width();
        assert_eq!(
            (width(1), width(50), width(4_096)),
            (1 << 14, 1 << 14, 1 << 14)
        );
        assert_eq!((width(4_097), width(1_000_000)), (1 << 15, 1 << 18));
    }
}
