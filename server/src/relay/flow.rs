//! One direction of a relay: bytes go from a source to a sink, exactly once and in order.
//!
//! ```text
//!             read: end of stream          pending is sent: FIN to the sink
//!   Open -----------------------> Ending ---------------------------------> Ended
//!     |                                                                       ^
//!     | the sink wants no more                                                |
//!     `-------------------------> Discarding ---------------------------------'
//!                                              read: end of stream
//! ```
//!
//! What the sink does not take is kept, and nothing more is read meanwhile. So a slow sink slows its
//! source down, and costs the memory of one read.

use std::io::{self, Read, Write};

use crate::net::io::{Socket, read, write};

/// A sink whose stream can be ended while the opposite direction continues.
pub trait Sink: Write {
    /// Ends the stream to this sink with a FIN.
    ///
    /// # Errors
    /// The connection is broken.
    fn end(&self) -> io::Result<()>;
}

impl<S: Socket> Sink for S {
    fn end(&self) -> io::Result<()> {
        self.shutdown_write()
    }
}

/// One direction of a relay.
#[derive(Debug)]
pub struct Flow {
    /// Bytes that were read, and that the sink did not take at once.
    pending: Box<[u8]>,
    /// How many of them the sink has taken meanwhile.
    taken: usize,
    phase: Phase,
    /// Whether a read may find bytes or the end of the stream.
    readable: bool,
    /// Whether a write may succeed.
    writable: bool,
    /// Whether the source has reported the end of its stream. It comes after the bytes that are left, so a
    /// read that does not fill the buffer has not emptied the source.
    is_closing: bool,
    /// Bytes that the sink has taken.
    relayed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Ending,
    Discarding,
    Ended,
}

/// Which side of a flow has failed.
#[derive(Debug)]
pub enum FlowError {
    /// The source cannot be read.
    Source(io::Error),
    /// The sink cannot be written.
    Sink(io::Error),
}

impl Flow {
    /// Creates a flow that sends `first` before the bytes of its source.
    pub fn new(first: Box<[u8]>) -> Self {
        Self {
            pending: first,
            taken: 0,
            phase: Phase::Open,
            readable: true,
            writable: true,
            is_closing: false,
            relayed: 0,
        }
    }

    /// Notes that the source can be read. `is_closing`: it has reported the end of its stream, or urgent
    /// data, so that a short read is not the last.
    pub fn on_readable(&mut self, is_closing: bool) {
        self.readable = true;
        self.is_closing |= is_closing;
    }

    /// Notes that the sink can be written.
    pub fn on_writable(&mut self) {
        self.writable = true;
    }

    /// Returns whether the stream has ended and its end was passed on.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Returns whether the source has ended its stream.
    pub fn is_source_finished(&self) -> bool {
        matches!(self.phase, Phase::Ending | Phase::Ended)
    }

    /// Drops what is kept and what the source still sends, because the sink wants no more.
    pub fn discard(&mut self) {
        self.pending = Box::default();
        self.taken = 0;
        self.phase = if self.is_source_finished() {
            Phase::Ended
        } else {
            Phase::Discarding
        };
    }

    /// Returns whether another call of [`Flow::pump`] can make progress without a new event.
    pub fn can_continue(&self) -> bool {
        match self.phase {
            Phase::Open if self.pending.is_empty() => self.readable,
            Phase::Open | Phase::Ending => self.writable,
            Phase::Discarding => self.readable,
            Phase::Ended => false,
        }
    }

    /// Returns the number of bytes that the sink has taken.
    pub fn relayed(&self) -> u64 {
        self.relayed
    }

    /// Returns the bytes of memory that are kept, those that the sink has taken meanwhile included.
    pub fn kept(&self) -> usize {
        self.pending.len()
    }

    /// Moves bytes until a side would block, the stream has ended, or `budget` bytes are read.
    ///
    /// # Errors
    /// One side has failed. The flow must not be used any more.
    pub fn pump(
        &mut self,
        source: &mut impl Read,
        sink: &mut impl Sink,
        buffer: &mut [u8],
        mut budget: usize,
    ) -> Result<(), FlowError> {
        loop {
            self.send_pending(sink)?;
            if !self.pending.is_empty() {
                return Ok(());
            }
            match self.phase {
                Phase::Open | Phase::Discarding if self.readable && budget > 0 => {}
                Phase::Open | Phase::Discarding | Phase::Ended => return Ok(()),
                Phase::Ending => {
                    sink.end().map_err(FlowError::Sink)?;
                    self.phase = Phase::Ended;
                    return Ok(());
                }
            }
            match read(source, buffer).map_err(FlowError::Source)? {
                None => self.readable = false,
                Some(0) if self.phase == Phase::Discarding => self.phase = Phase::Ended,
                Some(0) => self.phase = Phase::Ending,
                Some(len) => {
                    budget = budget.saturating_sub(len);
                    // A read that does not fill the buffer has emptied the socket, and later bytes are a
                    // new event (epoll(7), question 9). That saves the read that would block.
                    self.readable = len == buffer.len() || self.is_closing;
                    if self.phase == Phase::Open {
                        self.send(&buffer[..len], sink)?;
                    }
                }
            }
        }
    }

    /// Writes what is kept.
    fn send_pending(&mut self, sink: &mut impl Sink) -> Result<(), FlowError> {
        let rest = self.pending.get(self.taken..).unwrap_or_default();
        if rest.is_empty() || !self.writable {
            return Ok(());
        }
        let sent = write(sink, rest).map_err(FlowError::Sink)?;
        self.relayed += sent as u64;
        self.writable = sent == rest.len();
        self.taken += sent;
        if self.writable {
            self.pending = Box::default();
            self.taken = 0;
        }
        Ok(())
    }

    /// Writes `bytes`, and keeps what the sink does not take. Nothing is kept before.
    fn send(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), FlowError> {
        let mut sent = 0;
        if self.writable {
            sent = write(sink, bytes).map_err(FlowError::Sink)?;
        }
        self.relayed += sent as u64;
        self.writable = sent == bytes.len();
        self.pending = bytes[sent..].into();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
