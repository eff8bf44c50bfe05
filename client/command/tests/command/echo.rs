//! A service behind a real gate that returns what it receives, and data for it.

use std::io;
use std::net::{Shutdown, TcpListener};
use std::thread;

use crate::support::real_server::serve;

/// Starts a gate in front of a service that returns every byte, and returns the address of the gate.
pub(crate) fn gate_to_an_echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = listener.local_addr().expect("a bound socket").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                // Errors show in the test as missing bytes.
                let _ = io::copy(&mut &stream, &mut &stream);
                let _ = stream.shutdown(Shutdown::Write);
            });
        }
    });
    serve("unused", &["--bits", "8", "--upstream", &upstream])
}

/// Returns `len` bytes without a pattern, always the same.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
