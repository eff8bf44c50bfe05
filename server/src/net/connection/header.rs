//! The PROXY protocol header at the start of a connection.

use std::io;
use std::ops::Range;

use powtcp_common::address::ClientAddr;

use super::{Connection, Earnest, Input, OPEN_READ_LEN, READS_PER_TURN, Readiness};
use crate::net::io::{Socket, read};
use crate::net::shared::Shared;
use crate::protocol::Session;
use crate::protocol::proxy_header::{Endpoints, Malformed};
use crate::relay::Pass;
use crate::time::{Moment, Now};

/// What reading a PROXY protocol header came to.
#[derive(Debug)]
pub enum HeaderStep {
    /// None is expected any more.
    Unneeded,
    /// Its end has not arrived, or will not.
    Pending,
    /// It has arrived.
    Complete(Endpoints, Preread),
}

/// Bytes that were read together with a header.
#[derive(Debug, Clone)]
pub struct Preread {
    /// Where they are in the read buffer.
    pub(super) range: Range<usize>,
    /// Whether the socket had no more of them.
    pub(super) emptied: bool,
}

impl<S: Socket> Connection<S> {
    /// Creates a connection on `socket` that is to begin with a PROXY protocol header.
    pub fn with_header(socket: S, session: Session) -> Self {
        Self {
            input: Input::Header(Box::default()),
            ..Self::new(socket, session)
        }
    }

    /// Reads the PROXY protocol header, if the connection is to begin with one. It is a single read in all
    /// but hostile cases, because a read has room for the longest header.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn read_header(
        &mut self,
        readiness: Readiness,
        buffer: &mut [u8],
        shared: &mut Shared,
        now: Now,
    ) -> io::Result<HeaderStep> {
        for _ in 0..READS_PER_TURN {
            let Input::Header(parser) = &mut self.input else {
                return Ok(HeaderStep::Unneeded);
            };
            if self.session.end().is_some() {
                return Ok(HeaderStep::Unneeded);
            }
            let room = &mut buffer[..OPEN_READ_LEN];
            let Some(len) = read(&mut self.socket, room)? else {
                return Ok(HeaderStep::Pending);
            };
            shared.metrics.received += len as u64;
            let emptied = len < OPEN_READ_LEN && !readiness.may_be_short();
            let mut input = &buffer[..len];
            let parsed = match len {
                0 => Err(Malformed::Ended),
                _ => parser.take(&mut input),
            };
            match parsed {
                Ok(None) if emptied && !readiness.unannounced => return Ok(HeaderStep::Pending),
                Ok(None) => {}
                Ok(Some(endpoints)) => {
                    self.input = Input::Open;
                    let range = len - input.len()..len;
                    return Ok(HeaderStep::Complete(endpoints, Preread { range, emptied }));
                }
                Err(why) => {
                    if let Some(reply) = self.session.on_bad_header(why, now.moment) {
                        self.answer(&reply, shared, now)?;
                    }
                    return Ok(HeaderStep::Pending);
                }
            }
        }
        self.rearm = true;
        Ok(HeaderStep::Pending)
    }

    /// Makes a connection a relay without a payment.
    pub fn exempt(&mut self, client: ClientAddr, preread: Preread, buffer: &[u8], now: Moment) {
        self.session.on_exempt(client, now);
        self.input = Input::Relay(Box::new(Earnest {
            pass: Pass::Exempt,
            early: buffer[preread.range].into(),
        }));
    }
}
