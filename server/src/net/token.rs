//! The tokens under which sockets are registered with the poll, and their encoding.

use crate::relay::Side;

/// What a token of the poll identifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// The listening socket of the service with this index, below [`MAX_LISTENERS`].
    Listener(usize),
    /// The listening socket of the metrics page.
    MetricsListener,
    /// The pipe through which signals arrive.
    Signals,
    /// The visit of the metrics page in this slot, below [`MAX_VISITS`].
    Visit(usize),
    /// The connection with this key.
    Connection(usize),
    /// One side of the relay with this key.
    Relay(Side, usize),
}

/// Visits of the metrics page at once. It bounds the memory and the time that a flood of the page can
/// take from the service.
pub const MAX_VISITS: usize = 8;

/// Listening sockets of the service: the addresses that one name can be resolved to. It bounds
/// the descriptors that a name with many addresses takes.
pub const MAX_LISTENERS: usize = 16;

/// The lowest bits of a token tell what it is for; the others are a key.
const KIND_BITS: u32 = 2;
const CONNECTION: usize = 0;
const CLIENT: usize = 1;
const UPSTREAM: usize = 2;
const OTHER: usize = 3;

/// The keys of other tokens.
const SIGNALS: usize = 0;
const METRICS_LISTENER: usize = 1;
const FIRST_VISIT: usize = 2;
const FIRST_LISTENER: usize = FIRST_VISIT + MAX_VISITS;

impl From<Token> for mio::Token {
    fn from(token: Token) -> Self {
        let (kind, key) = match token {
            Token::Connection(key) => (CONNECTION, key),
            Token::Relay(Side::Client, key) => (CLIENT, key),
            Token::Relay(Side::Upstream, key) => (UPSTREAM, key),
            Token::Signals => (OTHER, SIGNALS),
            Token::MetricsListener => (OTHER, METRICS_LISTENER),
            Token::Visit(slot) => (OTHER, FIRST_VISIT + slot),
            Token::Listener(index) => (OTHER, FIRST_LISTENER + index),
        };
        Self(key << KIND_BITS | kind)
    }
}

impl From<mio::Token> for Token {
    fn from(token: mio::Token) -> Self {
        let key = token.0 >> KIND_BITS;
        match (token.0 & OTHER, key) {
            (CONNECTION, key) => Self::Connection(key),
            (CLIENT, key) => Self::Relay(Side::Client, key),
            (UPSTREAM, key) => Self::Relay(Side::Upstream, key),
            (_, SIGNALS) => Self::Signals,
            (_, METRICS_LISTENER) => Self::MetricsListener,
            (_, key) if key < FIRST_LISTENER => Self::Visit(key - FIRST_VISIT),
            (_, key) => Self::Listener(key - FIRST_LISTENER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_survives_its_encoding() {
        let visits = (0..MAX_VISITS).map(Token::Visit);
        let listeners = (0..MAX_LISTENERS).map(Token::Listener);
        let others = [Token::MetricsListener, Token::Signals];
        let of_key = |key| {
            let sides = [Side::Client, Side::Upstream];
            sides
                .map(|side| Token::Relay(side, key))
                .into_iter()
                .chain([Token::Connection(key)])
        };
        let keys = [0, 1, 5, u32::MAX as usize].into_iter().flat_map(of_key);
        for token in visits.chain(listeners).chain(others).chain(keys) {
            assert_eq!(Token::from(mio::Token::from(token)), token);
        }
    }
}
