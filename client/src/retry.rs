//! When a new connection is worthwhile after an error, and how long to wait before it: exponential
//! backoff with full jitter, so that clients that were turned away together do not return together.

use std::time::Duration;

use powtcp_common::refusal::Refusal;

use crate::error::PayError;
use crate::hand::Held;

/// The longest wait before the first retry. It doubles with each further retry.
const BASE: Duration = Duration::from_millis(100);

/// The longest wait before any retry. A user still waits for the client, so it has to return soon.
const CAP: Duration = Duration::from_secs(10);

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// End with this error.
    GiveUp,
    /// Connect again, and continue with what is in hand.
    TryAgain,
    /// Discard what is in hand, connect again, and ask for a new puzzle.
    StartOver,
}

/// Decides what to do after `error`, for a client that holds this.
///
/// A new connection helps after a transient error. What is in hand stays there, except that a puzzle
/// that has expired, or a kept stamp that the server does not know, costs a new puzzle. Any other
/// error would only repeat itself.
pub(crate) fn next(error: &PayError, held: Held) -> Next {
    let is_unknown = error.is_refusal(Refusal::StampNotFound) && held == Held::KeptStamp;
    if is_unknown || error.is_refusal(Refusal::PuzzleExpired) {
        Next::StartOver
    } else if error.is_transient() {
        Next::TryAgain
    } else {
        Next::GiveUp
    }
}

/// Returns the wait before retry number `retry`, counted from 0. `random` chooses it between zero
/// and the longest wait of that retry.
fn delay(retry: u32, random: [u8; 8]) -> Duration {
    let longest = 2_u32
        .checked_pow(retry)
        .map_or(CAP, |factor| BASE.saturating_mul(factor).min(CAP));
    // Less than 2^34 nanoseconds times less than 2^64: no overflow.
    let share = (longest.as_nanos() * u128::from(u64::from_le_bytes(random))) >> u64::BITS;
    Duration::from_nanos(share as u64)
}

/// Returns a random wait before retry number `retry`, counted from 0.
pub(crate) fn random_delay(retry: u32) -> Duration {
    // Without randomness from the system, the client waits for the longest time.
    let mut random = [u8::MAX; 8];
    let _ = getrandom::fill(&mut random);
    delay(retry, random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Awaited;
    use std::io::ErrorKind;

    use Held::{KeptStamp, Nothing, Puzzle, Stamp};
    use Next::{GiveUp, StartOver, TryAgain};

    const HELD: [Held; 4] = [Nothing, Puzzle, Stamp, KeptStamp];

    fn longest(retry: u32) -> Duration {
        delay(retry, [u8::MAX; 8])
    }

    #[track_caller]
    fn assert_next(error: PayError, expected: [Next; 4]) {
        let decided = HELD.map(|held| next(&error, held));
        assert_eq!(decided, expected, "{error}");
    }

    fn connect(kind: ErrorKind) -> PayError {
        PayError::Connect {
            server: String::new(),
            errors: vec![(([127, 0, 0, 1], 1).into(), kind.into())],
        }
    }

    #[test]
    fn a_refusal_leads_to_a_retry_if_that_can_help() {
        for refusal in Refusal::ALL {
            let expected = match refusal {
                Refusal::ServerBusy | Refusal::ShuttingDown | Refusal::ServiceUnavailable => {
                    [TryAgain; 4]
                }
                Refusal::PuzzleExpired => [StartOver; 4],
                Refusal::StampNotFound => [GiveUp, GiveUp, GiveUp, StartOver],
                _ => [GiveUp; 4],
            };
            assert_next(PayError::Refused(refusal.text().into()), expected);
            let longer = format!("{refusal}!").into_bytes();
            assert_next(PayError::Refused(longer), [GiveUp; 4]);
        }
        assert_next(PayError::Refused(Vec::new()), [GiveUp; 4]);
    }

    #[test]
    fn a_connection_that_is_refused_reset_or_too_slow_is_retried() {
        for kind in [
            ErrorKind::ConnectionRefused,
            ErrorKind::ConnectionReset,
            ErrorKind::BrokenPipe,
            ErrorKind::TimedOut,
        ] {
            assert_next(PayError::Broken(kind.into()), [TryAgain; 4]);
            assert_next(connect(kind), [TryAgain; 4]);
        }
    }

    #[test]
    fn a_closed_connection_is_retried() {
        assert_next(PayError::Closed(Awaited::Puzzle), [TryAgain; 4]);
    }

    #[test]
    fn a_puzzle_that_is_too_hard_is_retried() {
        assert_next(PayError::TooHard { bits: 28, most: 26 }, [TryAgain; 4]);
    }

    #[test]
    fn any_other_error_is_final() {
        for error in [
            connect(ErrorKind::HostUnreachable),
            PayError::Broken(ErrorKind::InvalidInput.into()),
            PayError::NoAnswer(Awaited::Puzzle),
            PayError::LineTooLong,
            PayError::Unexpected(b"0".to_vec()),
            PayError::Cancelled,
            PayError::Unsolved {
                allowed: Duration::ZERO,
            },
        ] {
            assert_next(error, [GiveUp; 4]);
        }
    }

    #[test]
    fn the_longest_wait_doubles_up_to_the_cap() {
        let milliseconds = |retry| (longest(retry) + Duration::from_nanos(1)).as_millis();
        let waits: Vec<_> = (0..9).map(milliseconds).collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        for retry in 7..200 {
            assert_eq!(longest(retry), longest(7), "{retry}");
        }
        assert_eq!(longest(u32::MAX), longest(7));
    }

    #[test]
    fn the_jitter_is_full() {
        for retry in [0, 3, 7, 31, 32, u32::MAX] {
            assert_eq!(delay(retry, [0; 8]), Duration::ZERO);
            let half = delay(retry, (1_u64 << 63).to_le_bytes());
            assert_eq!(half * 2, longest(retry) + Duration::from_nanos(1));
            let mut before = Duration::ZERO;
            for byte in 1..=u8::MAX {
                let wait = delay(retry, [0, 0, 0, 0, 0, 0, 0, byte]);
                assert!(before < wait && wait < longest(retry), "{retry} {byte}");
                before = wait;
            }
        }
    }
}
