//! Which failures are worth another attempt, and how long to wait before it. Exponential backoff with
//! full jitter spreads the retries of clients that were refused at the same time.

use std::io::ErrorKind;
use std::time::Duration;

use powtcp_common::refusal::Refusal;

use crate::error::ClientError;

/// The longest wait before the first retry. It doubles with each further retry.
pub const BASE: Duration = Duration::from_millis(100);

/// The longest wait before any retry: the user is waiting.
pub const CAP: Duration = Duration::from_secs(10);

/// Returns the wait before a retry; the first has the number 0. `random`, a number of 64 bits, picks it
/// uniformly between zero and the longest wait before this retry.
pub fn delay(retry: u32, random: [u8; 8]) -> Duration {
    let longest = 2_u32
        .checked_pow(retry)
        .map_or(CAP, |factor| BASE.saturating_mul(factor).min(CAP));
    // Less than 2^34 nanoseconds times less than 2^64: no overflow.
    let share = (longest.as_nanos() * u128::from(u64::from_le_bytes(random))) >> u64::BITS;
    Duration::from_nanos(share as u64)
}

/// Calls `fetch` until it succeeds, fails for good, or has been called `retries` times after the first.
/// Before each retry, `wait` gets its number, which starts at 0, and the error of the attempt before.
///
/// # Errors
/// The error of the last attempt.
pub fn persist<T>(
    retries: u32,
    mut fetch: impl FnMut() -> Result<T, ClientError>,
    mut wait: impl FnMut(u32, &ClientError),
) -> Result<T, ClientError> {
    for retry in 0..retries {
        match fetch() {
            Err(error) if error.may_pass() => wait(retry, &error),
            result => return result,
        }
    }
    fetch()
}

impl ClientError {
    /// Returns whether another attempt can succeed without any change: the server is busy or unreachable,
    /// or broke the connection. All other errors would only repeat.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(text) => text == Refusal::ServerBusy.text().as_bytes(),
            Self::Connect(_, error) | Self::Broken(error) => matches!(
                error.kind(),
                // A write after an RST fails with a broken pipe (write(2)).
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ),
            Self::Timeout(_)
            | Self::Closed(_)
            | Self::LineTooLong
            | Self::Unexpected(_)
            | Self::BadPuzzle(_)
            | Self::TooHard(..)
            | Self::Unsolved => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn longest(retry: u32) -> Duration {
        delay(retry, [u8::MAX; 8])
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

    #[test]
    fn retries_end_with_a_success_or_a_final_failure_or_when_all_are_used() {
        let busy = || Err(ClientError::Refused(Refusal::ServerBusy.text().into()));
        let lasting = || Err(ClientError::Unsolved);
        // Retries allowed, failures that pass, and whether the next attempt succeeds; then the attempts
        // made, and whether the last one succeeded.
        for (retries, passing, then_well, attempts, well) in [
            (0, 0, true, 1, true),
            (0, 1, true, 1, false),
            (3, 0, true, 1, true),
            (3, 3, true, 4, true),
            (3, 4, true, 4, false),
            (3, 1, false, 2, false),
        ] {
            let (mut made, mut waits) = (0, Vec::new());
            let fetch = || {
                made += 1;
                match (made <= passing, then_well) {
                    (true, _) => busy(),
                    (false, true) => Ok(made),
                    (false, false) => lasting(),
                }
            };
            let result = persist(retries, fetch, |retry, _| waits.push(retry));
            assert_eq!((made, result.is_ok()), (attempts, well));
            assert_eq!(waits, (0..attempts - 1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn only_a_busy_server_and_a_refused_or_reset_connection_may_pass() {
        let io = |kind| io::Error::from(kind);
        let refused = |text: &str| ClientError::Refused(text.into());
        let busy = Refusal::ServerBusy;
        let passing = [
            ErrorKind::ConnectionRefused,
            ErrorKind::ConnectionReset,
            ErrorKind::BrokenPipe,
        ];
        for kind in passing {
            assert!(ClientError::Connect(String::new(), io(kind)).may_pass());
            assert!(ClientError::Broken(io(kind)).may_pass());
        }
        for refusal in Refusal::ALL {
            assert_eq!(refused(refusal.text()).may_pass(), refusal == busy);
        }
        for error in [
            refused(&format!("{busy}!")),
            refused(""),
            ClientError::Connect(String::new(), io(ErrorKind::TimedOut)),
            ClientError::Connect(String::new(), io(ErrorKind::NotFound)),
            ClientError::Broken(io(ErrorKind::InvalidInput)),
            ClientError::Timeout("send a puzzle"),
            ClientError::Closed("send a puzzle"),
            ClientError::LineTooLong,
            ClientError::Unexpected(b"0".to_vec()),
            ClientError::Unsolved,
        ] {
            assert!(!error.may_pass(), "{error}");
        }
    }
}
