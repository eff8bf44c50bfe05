//! What scripted servers do in the tests of the client, and the lines that they send.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use powtcp_common::refusal::Refusal;
use socket2::SockRef;

use crate::support::fake_server::{FakeServer, Peer};
use crate::support::puzzles::puzzle_line;

/// What a server does on one connection.
pub(crate) type Script<T> = Box<dyn FnOnce(Peer) -> T + Send>;

/// Options with which a client accepts any puzzle, and does not give up while a test waits.
pub(crate) const ENDLESS: [&str; 4] = ["--max-bits", "64", "--solve-timeout", "24h"];

/// Options with which a client accepts any puzzle, and gives up before it knows how long a solution takes.
pub(crate) const BRIEF: [&str; 4] = ["--max-bits", "64", "--solve-timeout", "150ms"];

impl<T: Send + 'static> FakeServer<T> {
    /// Plays the first script on the first connection, then the second on the second, and so on.
    pub(crate) fn start_in_turn<const N: usize>(scripts: [Script<T>; N]) -> Self {
        Self::listen(move |listener, results| {
            for script in scripts {
                // The receiver is gone if the test has failed already.
                let _ = results.send(script(Peer::accept(&listener)));
            }
        })
    }
}

impl Peer {
    /// Waits until the client has sent something, and leaves it in the socket.
    pub(crate) fn wait_for_bytes(&self) {
        let peeked = self.stream().peek(&mut [0]);
        assert_eq!(peeked.ok(), Some(1), "a client that sends first");
    }

    /// Plays an honest server up to the stamp, and returns the line with the stamp.
    pub(crate) fn take_stamp(&mut self) -> String {
        self.answer_request(puzzle_line(8));
        let line = self.line();
        assert!(line.starts_with("3:1:8:"), "{line:?}");
        line
    }

    /// Sends `bytes` and a FIN, and waits until the client closes. Returns what the client still sent.
    pub(crate) fn end_with(mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes);
        self.rest()
    }

    /// Resets the connection at once.
    pub(crate) fn reset(self) {
        // Without lingering, closing sends an RST (socket(7)).
        let socket = SockRef::from(self.stream());
        let linger = socket.set_linger(Some(Duration::ZERO));
        linger.expect("an option that every socket has");
    }

    /// Sends `byte` again and again, with `pause` in between, until the client closes.
    pub(crate) fn drip(&mut self, byte: u8, pause: Duration) {
        self.stream()
            .set_read_timeout(Some(pause))
            .expect("an option that every socket has");
        while self.try_send([byte]).is_ok() {
            match self.stream().read(&mut [0]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
                Ok(_) => panic!("the client must wait for its answer"),
            }
        }
    }
}

/// Returns a puzzle message that no client solves during a test. A client accepts it with the options
/// [`ENDLESS`], because a day is not hopeless: at 10^9 hashes a second it takes 18 minutes on average.
pub(crate) fn endless_puzzle_line() -> String {
    puzzle_line(40)
}

/// Returns an error message.
pub(crate) fn refusal_line(refusal: Refusal) -> String {
    format!("0:{refusal}\n")
}

/// Returns what the client reports when it gets this error message.
pub(crate) fn refused(refusal: Refusal) -> String {
    format!("the server refused: {refusal}")
}
