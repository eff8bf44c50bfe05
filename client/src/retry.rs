//! When a new connection is worthwhile after an error, and how long to wait before it: exponential
//! backoff with full jitter, so that clients that were turned away together do not return together.

use std::io::{self, ErrorKind};
use std::time::Duration;

use powtcp_common::refusal::Refusal;

use crate::error::ClientError;
use crate::hand::Held;

/// The longest wait before the first retry. It doubles with each further retry.
pub const BASE: Duration = Duration::from_millis(100);

/// The longest wait before any retry. A user still waits for the client, so it has to return soon.
pub const CAP: Duration = Duration::from_secs(10);

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// End with this error.
    GiveUp,
    /// Connect again, and continue with what is in hand.
    TryAgain,
    /// Discard what is in hand, connect again, and ask for a new puzzle.
    StartOver,
}

/// Decides what to do after `error`, for a client that holds this.
///
/// A new connection helps if the server has no room or is not up, or if the connection was reset. A
/// client with a puzzle or a stamp in hand also survives a server that closes the connection or
/// shuts down, because it does not have to solve again. A kept stamp that the server does not know,
/// or that has expired, costs a new puzzle. Any other error would only repeat itself.
pub fn next(error: &ClientError, held: Held) -> Next {
    use Refusal::{PuzzleExpired, ServerBusy, ShuttingDown, StampNotFound};

    match error {
        ClientError::Refused(text) => {
            let is = |refusal: Refusal| refusal.text().as_bytes() == text;
            if is(ServerBusy) || is(ShuttingDown) && held != Held::Nothing {
                Next::TryAgain
            } else if (is(StampNotFound) || is(PuzzleExpired)) && held == Held::KeptStamp {
                Next::StartOver
            } else {
                Next::GiveUp
            }
        }
        ClientError::Connect(_, error) | ClientError::Broken(error) if is_reset(error) => {
            Next::TryAgain
        }
        ClientError::Closed(_) if held != Held::Nothing => Next::TryAgain,
        ClientError::Connect(..)
        | ClientError::Broken(_)
        | ClientError::Closed(_)
        | ClientError::Timeout(_)
        | ClientError::LineTooLong
        | ClientError::Unexpected(_)
        | ClientError::BadPuzzle(_)
        | ClientError::TooHard(..)
        | ClientError::Unsolved => Next::GiveUp,
    }
}

/// Returns the wait before retry number `retry`, counted from 0. `random` chooses it between zero
/// and the longest wait of that retry.
pub fn delay(retry: u32, random: [u8; 8]) -> Duration {
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

/// Returns whether the other side refused or reset the connection.
fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        // A write after a reset whose error was already read reports a broken pipe (tcp(7)).
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    use Held::{KeptStamp, Nothing, Puzzle, Stamp};
    use Next::{GiveUp, StartOver, TryAgain};

    const HELD: [Held; 4] = [Nothing, Puzzle, Stamp, KeptStamp];

    fn longest(retry: u32) -> Duration {
        delay(retry, [u8::MAX; 8])
    }

    #[track_caller]
    fn assert_next(error: ClientError, expected: [Next; 4]) {
        let decided = HELD.map(|held| next(&error, held));
        assert_eq!(decided, expected, "{error}");
    }

    #[test]
    fn a_refusal_leads_to_a_retry_if_that_can_help() {
        for refusal in Refusal::ALL {
            let expected = match refusal {
                Refusal::ServerBusy => [TryAgain; 4],
                Refusal::ShuttingDown => [GiveUp, TryAgain, TryAgain, TryAgain],
                Refusal::StampNotFound | Refusal::PuzzleExpired => {
                    [GiveUp, GiveUp, GiveUp, StartOver]
                }
                _ => [GiveUp; 4],
            };
            assert_next(ClientError::Refused(refusal.text().into()), expected);
            let longer = format!("{refusal}!").into_bytes();
            assert_next(ClientError::Refused(longer), [GiveUp; 4]);
        }
        assert_next(ClientError::Refused(Vec::new()), [GiveUp; 4]);
    }

    #[test]
    fn a_refused_or_reset_connection_is_retried() {
        for kind in [
            ErrorKind::ConnectionRefused,
            ErrorKind::ConnectionReset,
            ErrorKind::BrokenPipe,
        ] {
            assert_next(ClientError::Broken(kind.into()), [TryAgain; 4]);
            let connect = ClientError::Connect(String::new(), kind.into());
            assert_next(connect, [TryAgain; 4]);
        }
    }

    #[test]
    fn a_closed_connection_is_retried_with_something_in_hand() {
        let expected = [GiveUp, TryAgain, TryAgain, TryAgain];
        assert_next(ClientError::Closed("send a resource"), expected);
    }

    #[test]
    fn any_other_error_is_final() {
        for error in [
            ClientError::Connect(String::new(), ErrorKind::TimedOut.into()),
            ClientError::Connect(String::new(), ErrorKind::NotFound.into()),
            ClientError::Broken(ErrorKind::InvalidInput.into()),
            ClientError::Timeout("send a puzzle"),
            ClientError::LineTooLong,
            ClientError::Unexpected(b"0".to_vec()),
            ClientError::Unsolved,
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
