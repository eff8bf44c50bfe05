//! The tokens under which sockets are registered with the poll, and their encoding.

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
}

/// Visits of the metrics page at once. It bounds the memory and the time that a flood of the page can
/// take from the service.
pub const MAX_VISITS: usize = 8;

/// Listening sockets of the service: the addresses that one name can be resolved to. It bounds
/// the descriptors that a name with many addresses takes.
pub const MAX_LISTENERS: usize = 16;

/// The first of the tokens at the end of the range, which no key of a table reaches.
const FIRST_VISIT: usize = FIRST_LISTENER - MAX_VISITS;
const FIRST_LISTENER: usize = METRICS_LISTENER - MAX_LISTENERS;
const METRICS_LISTENER: usize = usize::MAX - 2;
const SIGNALS: usize = usize::MAX - 1;

impl From<Token> for mio::Token {
    fn from(token: Token) -> Self {
        Self(match token {
            Token::Connection(key) => key,
            Token::Visit(slot) => FIRST_VISIT + slot,
            Token::Listener(index) => FIRST_LISTENER + index,
            Token::MetricsListener => METRICS_LISTENER,
            Token::Signals => SIGNALS,
        })
    }
}

impl From<mio::Token> for Token {
    fn from(token: mio::Token) -> Self {
        match token.0 {
            METRICS_LISTENER => Self::MetricsListener,
            SIGNALS => Self::Signals,
            number if number >= FIRST_LISTENER => Self::Listener(number - FIRST_LISTENER),
            number if number >= FIRST_VISIT => Self::Visit(number - FIRST_VISIT),
            key => Self::Connection(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_survives_its_encoding() {
        let visits = (0..MAX_VISITS).map(Token::Visit);
        let connections = [0, 1, FIRST_VISIT - 1].map(Token::Connection);
        let listeners = (0..MAX_LISTENERS).map(Token::Listener);
        let others = [Token::MetricsListener, Token::Signals];
        let tokens = visits.chain(connections).chain(listeners).chain(others);
        for token in tokens {
            assert_eq!(Token::from(mio::Token::from(token)), token);
        }
    }
}
