//! One direction of a relay: bytes from a reader to a writer, until the reader ends.

use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

/// The size of a buffer. More saves few system calls, and a relay has two.
const BUFFER: usize = 64 * 1024;

/// How long to wait where the system would block, for example on a terminal that another program has
/// made nonblocking. A socket has waited for a second by itself.
const PAUSE: Duration = Duration::from_millis(1);

/// Why a direction ended before its reader did.
#[derive(Debug)]
pub enum Failure {
    /// The reader failed.
    Read(io::Error),
    /// The writer failed.
    Write(io::Error),
    /// The other direction has failed.
    GivenUp,
}

/// Copies until the end of `from`, and flushes after each read, so that no byte waits for the next.
/// After each read, and while nothing can be written, `is_given_up` says whether the other direction has
/// failed: an end that this has caused is not the end of the stream.
///
/// # Errors
/// [`Failure`]. An interrupted call is repeated.
pub fn copy(
    mut from: impl Read,
    mut to: impl Write,
    is_given_up: impl Fn() -> bool,
) -> Result<(), Failure> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = match from.read(&mut buffer) {
            Ok(_) if is_given_up() => return Err(Failure::GivenUp),
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(error) => {
                pause(error, &is_given_up, Failure::Read)?;
                continue;
            }
        };
        let mut rest = buffer.get(..len).unwrap_or_default();
        while !rest.is_empty() {
            match to.write(rest) {
                Ok(0) => return Err(Failure::Write(ErrorKind::WriteZero.into())),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) => pause(error, &is_given_up, Failure::Write)?,
            }
        }
        while let Err(error) = to.flush() {
            pause(error, &is_given_up, Failure::Write)?;
        }
    }
}

/// Returns if the call that failed with `error` is to be repeated.
fn pause(
    error: io::Error,
    is_given_up: impl Fn() -> bool,
    failure: fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock if is_given_up() => Err(Failure::GivenUp),
        ErrorKind::WouldBlock => {
            thread::sleep(PAUSE);
            Ok(())
        }
        _ => Err(failure(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// A reader or writer whose calls have these results: how many bytes it takes, or an error.
    struct Scripted {
        results: VecDeque<Result<usize, ErrorKind>>,
        bytes: Vec<u8>,
    }

    fn scripted(results: impl IntoIterator<Item = Result<usize, ErrorKind>>) -> Scripted {
        Scripted {
            results: results.into_iter().collect(),
            bytes: Vec::new(),
        }
    }

    impl Read for Scripted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.results.pop_front().unwrap_or(Ok(0))?.min(buffer.len());
            for byte in &mut buffer[..len] {
                *byte = self.bytes.len() as u8;
                self.bytes.push(*byte);
            }
            Ok(len)
        }
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = self.results.pop_front().unwrap_or(Ok(bytes.len()))?;
            let len = len.min(bytes.len());
            self.bytes.extend_from_slice(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const PAUSES: [Result<usize, ErrorKind>; 2] =
        [Err(ErrorKind::Interrupted), Err(ErrorKind::WouldBlock)];

    #[test]
    fn every_byte_is_copied_at_every_length_of_reads_and_writes() {
        for read in [1, 2, 7, 300] {
            for write in [1, 3, 8, 299] {
                let mut from = scripted([Ok(read), PAUSES[0], Ok(read), PAUSES[1], Ok(read)]);
                let mut to = scripted([Ok(write), PAUSES[0], PAUSES[1], Ok(write)]);
                assert!(copy(&mut from, &mut to, || false).is_ok());
                assert_eq!(to.bytes.len(), 3 * read, "{read} {write}");
                assert_eq!(to.bytes, from.bytes, "{read} {write}");
            }
        }
    }

    #[test]
    fn an_error_names_the_side_that_failed() {
        let reset = Err(ErrorKind::ConnectionReset);
        let failed = copy(scripted([Ok(5), reset]), scripted([]), || false);
        assert!(matches!(failed, Err(Failure::Read(_))), "{failed:?}");
        let failed = copy(scripted([Ok(5)]), scripted([Ok(2), reset]), || false);
        assert!(matches!(failed, Err(Failure::Write(_))), "{failed:?}");
        let failed = copy(scripted([Ok(5)]), scripted([Ok(0)]), || false);
        assert!(matches!(failed, Err(Failure::Write(_))), "{failed:?}");
    }

    #[test]
    fn a_direction_that_was_given_up_does_not_end_in_order() {
        let failed = copy(scripted([]), scripted([]), || true);
        assert!(matches!(failed, Err(Failure::GivenUp)), "{failed:?}");
        let blocked = scripted([Err(ErrorKind::WouldBlock)]);
        let failed = copy(scripted([Ok(1)]), blocked, || true);
        assert!(matches!(failed, Err(Failure::GivenUp)), "{failed:?}");
    }
}
