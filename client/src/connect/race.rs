//! Tries several addresses, and takes the first one that accepts a connection (RFC 8305, 5).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::connect::wait_for;
use crate::error::PayError;

/// How long an address is tried alone before the next one is tried too: the recommendation of
/// RFC 8305, 8.
const HEAD_START: Duration = Duration::from_millis(250);

/// The most addresses that are tried. It bounds the threads that a hostile name server can make us
/// start.
const MOST_ADDRESSES: usize = 32;

/// What went wrong at each address, in the order in which they failed.
type Failures = Vec<(SocketAddr, io::Error)>;

/// Calls `connect` with one address after the other, each on a thread and with the time left, and
/// returns the first connection. The next address is tried after [`HEAD_START`], or at once when no
/// try is under way. Threads that are not needed any more are abandoned, and close what they
/// connect.
///
/// # Errors
/// The outer error is [`PayError::Cancelled`].
pub(super) fn race<T: Send + 'static>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr, Duration) -> io::Result<T> + Send + Copy + 'static,
    deadline: Instant,
    cancel: &Cancel,
) -> Result<Result<(T, SocketAddr), Failures>, PayError> {
    let (sender, results) = channel();
    let mut waiting = addresses.into_iter().take(MOST_ADDRESSES);
    let mut under_way: Vec<SocketAddr> = Vec::new();
    let mut failures = Failures::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let next = if left.is_zero() { None } else { waiting.next() };
        if let Some(address) = next {
            under_way.push(address);
            let send = {
                let sender = sender.clone();
                move || {
                    // The receiver is gone if another address was faster.
                    let _ = sender.send((address, connect(address, left)));
                }
            };
            // A machine that starts no thread tries one address after the other.
            if thread::Builder::new().spawn(send.clone()).is_err() {
                send();
            }
        } else if under_way.is_empty() {
            // Addresses that were not tried have run out of time as well.
            failures.extend(waiting.map(too_late));
            return Ok(Err(failures));
        }
        let end = if waiting.len() > 0 {
            deadline.min(Instant::now() + HEAD_START)
        } else {
            deadline
        };
        // A failure does not end the head start of another address that is under way.
        while !under_way.is_empty() {
            let Some((address, result)) = wait_for(&results, end, cancel)? else {
                break;
            };
            under_way.retain(|other| *other != address);
            match result {
                Ok(connection) => return Ok(Ok((connection, address))),
                Err(error) => failures.push((address, error)),
            }
        }
        if Instant::now() >= deadline {
            failures.extend(under_way.drain(..).map(too_late));
        }
    }
}

fn too_late(address: SocketAddr) -> (SocketAddr, io::Error) {
    let error = io::Error::new(ErrorKind::TimedOut, "connection timed out");
    (address, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSES: u16 = 1;
    const IS_DEAD: u16 = 2;
    const ACCEPTS: u16 = 3;

    /// Plays the server whose port says what it does.
    fn connect(address: SocketAddr, timeout: Duration) -> io::Result<u16> {
        match address.port() {
            REFUSES => Err(ErrorKind::ConnectionRefused.into()),
            IS_DEAD => {
                thread::sleep(timeout);
                Err(ErrorKind::TimedOut.into())
            }
            port => Ok(port),
        }
    }

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn run(ports: &[u16], timeout: Duration) -> Result<u16, Vec<(u16, ErrorKind)>> {
        let addresses = ports.iter().copied().map(address).collect();
        let deadline = Instant::now() + timeout;
        let result = race(addresses, connect, deadline, &Cancel::new()).unwrap();
        match result {
            Ok((port, winner)) => {
                assert_eq!(port, winner.port());
                Ok(port)
            }
            Err(failures) => {
                let kinds = failures.iter();
                Err(kinds.map(|(at, e)| (at.port(), e.kind())).collect())
            }
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn an_address_that_accepts_wins_over_dead_and_refusing_ones() {
        assert_eq!(run(&[ACCEPTS], LONG), Ok(ACCEPTS));
        assert_eq!(run(&[ACCEPTS, 4], LONG), Ok(ACCEPTS));
        assert_eq!(run(&[REFUSES, ACCEPTS], LONG), Ok(ACCEPTS));
        assert_eq!(run(&[IS_DEAD, ACCEPTS], LONG), Ok(ACCEPTS));
        assert_eq!(run(&[IS_DEAD, REFUSES, ACCEPTS], LONG), Ok(ACCEPTS));
    }

    #[test]
    fn every_address_has_its_error() {
        use ErrorKind::{ConnectionRefused, TimedOut};
        assert_eq!(run(&[], LONG), Err(vec![]));
        assert_eq!(
            run(&[REFUSES], LONG),
            Err(vec![(REFUSES, ConnectionRefused)])
        );
        let short = HEAD_START * 2;
        let both = Err(vec![(REFUSES, ConnectionRefused), (IS_DEAD, TimedOut)]);
        assert_eq!(run(&[REFUSES, IS_DEAD], short), both);
        assert_eq!(run(&[IS_DEAD, REFUSES], short), both);
    }

    #[test]
    fn addresses_for_which_no_time_is_left_count_as_timed_out() {
        let nothing = Duration::ZERO;
        let expected = vec![(ACCEPTS, ErrorKind::TimedOut)];
        assert_eq!(run(&[ACCEPTS], nothing), Err(expected));
    }

    #[test]
    fn a_race_can_be_cancelled() {
        let cancel = Cancel::new();
        let canceller = cancel.clone();
        let ended = thread::spawn(move || {
            let addresses = vec![address(IS_DEAD)];
            race(addresses, connect, Instant::now() + LONG, &canceller)
        });
        cancel.cancel();
        assert!(matches!(ended.join().unwrap(), Err(PayError::Cancelled)));
    }
}
