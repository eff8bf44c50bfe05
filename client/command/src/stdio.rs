//! Relays standard input and output through a gate, for example as the `ProxyCommand` of ssh.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::gate::Through;
use crate::leg::Leg;
use crate::relay::{Failure, copy};

/// Relays until the server ends its stream. The end of standard input is a half-close.
///
/// Standard input is read on a thread, which is abandoned when the server ends: the system cannot
/// interrupt a read of a terminal or a pipe. The caller has to end the process.
///
/// # Errors
/// What the command prints. The connection is reset then.
pub fn relay(through: Through) -> Result<(), String> {
    let Through { leg, read_ahead } = through;
    let leg = Arc::new(leg);
    // Why standard input was given up.
    let broken = Arc::new(OnceLock::new());
    let stdin = owned(io::stdin()).map_err(|error| format!("no standard input: {error}"))?;
    let stdout = owned(io::stdout()).map_err(|error| format!("no standard output: {error}"))?;
    let sender = {
        let (leg, broken) = (Arc::clone(&leg), Arc::clone(&broken));
        move || send(stdin, &leg, &broken)
    };
    thread::Builder::new()
        .spawn(sender)
        .map_err(|error| format!("cannot start a thread: {error}"))?;

    let from = read_ahead.as_slice().chain(&*leg);
    match copy(from, stdout, || broken.get().is_some()) {
        Ok(()) => {
            leg.keep();
            Ok(())
        }
        Err(Failure::GivenUp) => Err(broken.get().cloned().unwrap_or_default()),
        Err(Failure::Read(error)) => Err(format!("the connection broke: {error}")),
        Err(Failure::Write(error)) => Err(format!("cannot write to standard output: {error}")),
    }
}

/// Copies standard input to the server. If it cannot be read, stores why and ends the relay: a stream
/// that is cut off must not look complete.
fn send(stdin: File, leg: &Leg, broken: &OnceLock<String>) {
    match copy(stdin, leg, || false) {
        // Both errors mean that the connection is closed. The other direction sees that too.
        Ok(()) => drop(leg.end_writing()),
        Err(Failure::Write(_) | Failure::GivenUp) => {}
        Err(Failure::Read(error)) => {
            let _ = broken.set(format!("cannot read standard input: {error}"));
            leg.end_reading();
        }
    }
}

/// Returns a standard stream without the buffer and the lock of the standard library.
fn owned(stream: impl AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}
